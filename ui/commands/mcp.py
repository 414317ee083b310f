"""`hopcite mcp`: search and ask for MCP clients."""

from __future__ import annotations

import sys

from hopcite.settings_layers import load_settings
from ui.terminal import CollectionName, warn


def mcp(collection: CollectionName = None) -> None:
    """Serve `ask`, `search` and the documents as MCP tools, over stdin and stdout; an MCP client starts this."""
    settings = load_settings(flags={"collection": collection}).settings
    if sys.stdin.isatty():
        warn("this speaks MCP on stdin and stdout: a client starts it, see docs/deploy.md. Ctrl+D ends it.")
    from ui.mcp.server import serve

    serve(settings)
