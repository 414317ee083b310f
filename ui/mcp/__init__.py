"""The MCP server: its tools, their texts, progress, and stdio."""
