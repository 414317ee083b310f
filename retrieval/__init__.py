"""Question to ranked evidence."""
