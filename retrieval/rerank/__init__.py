"""Language-model rerankers behind one port."""

from retrieval.rerank.choice import open_reranker

__all__ = ["open_reranker"]
