"""Following names from passage to passage, without a language model.

The first hits of a search are seeds; their neighbours are the passages whose titles they mention. Measured on three
multi-hop question sets in docs/decisions.md, as are the ways that were not taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.index.port import Index, LinkFilter, Query, Scored, Vectors
from retrieval.names import phrases_in


def follow(
    index: Index,
    queries: Sequence[Vectors],
    hits: Sequence[Sequence[Scored]],
    *,
    seeds: int,
    limit: int,
    within: tuple[str, ...] | None = None,
) -> list[list[Scored]]:
    """The neighbours of each query's first `seeds` hits, at most `limit`, in one round trip.

    Those of the first seed come first, and of one seed's those nearest to the question.
    """
    starts = [(which, hit.chunk) for which, found in enumerate(hits) for hit in found[:seeds]]
    links = [LinkFilter(phrases_in(seed.text), seed.document_id) for _, seed in starts]
    found = index.query(
        [Query(queries[which], limit, "dense", link, within) for (which, _), link in zip(starts, links, strict=True)]
    )
    neighbours: list[dict[str, Scored]] = [{} for _ in queries]
    for (which, _), nearest in zip(starts, found, strict=True):
        for hit in nearest:
            neighbours[which].setdefault(hit.chunk.id, hit)
    return [list(of_query.values())[:limit] for of_query in neighbours]


def fuse(hits: Sequence[Scored], neighbours: Sequence[Scored], *, k: int, weight: float) -> list[Scored]:
    """Hybrid hits with the neighbours as a third list.

    The store's hybrid score is already the sum of 1 / (k + rank) over two lists, so weight / (k + rank) is added to it.
    """
    fused = {hit.chunk.id: hit for hit in hits}
    for rank, neighbour in enumerate(neighbours, start=1):
        known = fused.get(neighbour.chunk.id)
        score = (known.score if known else 0.0) + weight / (k + rank)
        fused[neighbour.chunk.id] = Scored(neighbour.chunk, score)
    return sorted(fused.values(), key=lambda hit: (-hit.score, hit.chunk.id))
