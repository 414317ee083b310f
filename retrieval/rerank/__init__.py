"""Language-model rerankers."""
