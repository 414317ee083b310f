"""Language-model rerankers behind one port."""

from retrieval.rerank.choice import open_reranker
from retrieval.rerank.fused import fused

__all__ = ["fused", "open_reranker"]
