"""Question to ranked evidence."""

from __future__ import annotations

from retrieval.collection import Collection, drop_collection, list_collections, open_collection
from retrieval.encoder import Encoder, open_encoder
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.rerank import fused, open_reranker

__all__ = [
    "Collection",
    "Encoder",
    "drop_collection",
    "fused",
    "list_collections",
    "open_collection",
    "open_encoder",
    "open_reranker",
    "reciprocal_rank_fusion",
]
