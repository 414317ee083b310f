"""Documents to index."""
