"""Question sets to numbers."""
