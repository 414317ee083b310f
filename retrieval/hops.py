"""Following names between passages, without a language model.

The first hits of a search are seeds. Their neighbours are the passages whose titles they mention and the passages that
mention their titles. Measured on three multi-hop sets in docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.index.port import Index, LinkFilter, Query, Scored, Vectors
from retrieval.names import phrases_in, title_key

# A neighbour of a good seed deserves a place even where its own words are far from the question.
_SEED_CREDIT = 0.3


def follow(
    index: Index, queries: Sequence[Vectors], hits: Sequence[Sequence[Scored]], *, seeds: int, limit: int
) -> list[list[Scored]]:
    """The neighbours of each query's first `seeds` hits, best `limit`, in one round trip.

    A neighbour scores (0.3 + its cosine to the question) / rank of the seed that leads to it; the best seed counts.
    """
    starts = [(which, rank, hit) for which, found in enumerate(hits) for rank, hit in enumerate(found[:seeds], start=1)]
    neighbours = index.query([Query(queries[which], limit, "dense", _links(hit)) for which, _, hit in starts])
    best: list[dict[str, Scored]] = [{} for _ in queries]
    for (which, rank, _), found in zip(starts, neighbours, strict=True):
        for neighbour in found:
            score = (_SEED_CREDIT + neighbour.score) / rank
            known = best[which].get(neighbour.chunk.id)
            if known is None or known.score < score:
                best[which][neighbour.chunk.id] = Scored(neighbour.chunk, score)
    return [sorted(found.values(), key=lambda hit: (-hit.score, hit.chunk.id))[:limit] for found in best]


def fuse(hits: Sequence[Scored], neighbours: Sequence[Scored], *, k: int) -> list[Scored]:
    """Hybrid hits with the neighbours as a third list of equal weight.

    The store's hybrid score is already the sum of 1 / (k + rank) over two lists, so the third one's is added to it.
    """
    fused = {hit.chunk.id: hit for hit in hits}
    for rank, neighbour in enumerate(neighbours, start=1):
        known = fused.get(neighbour.chunk.id)
        score = (known.score if known else 0.0) + 1 / (k + rank)
        fused[neighbour.chunk.id] = Scored(neighbour.chunk, score)
    return sorted(fused.values(), key=lambda hit: (-hit.score, hit.chunk.id))


def _links(seed: Scored) -> LinkFilter:
    own = title_key(seed.chunk.title)
    return LinkFilter(phrases_in(seed.chunk.text), (own,) if own else (), seed.chunk.document_id)
