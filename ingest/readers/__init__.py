"""File formats to text."""
