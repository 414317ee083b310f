"""Following names to passages, without a language model: those in the question, then those in the first hits.

A passage is named when its title is mentioned. The first hits of a search are seeds, and what they name are their
neighbours. Measured on three multi-hop question sets in docs/decisions.md, as are the ways that were not taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.index.port import Index, LinkFilter, Query, Scored, Vectors
from retrieval.names import phrases_in

_NAMED = 10  # passages that the question names


def named_in(text: str, vectors: Vectors, *, within: tuple[str, ...] | None = None) -> Query:
    """The search for the passages that a question names, nearest first."""
    return Query(vectors, _NAMED, "dense", LinkFilter(phrases_in(text), None), within)


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


def fuse(hits: Sequence[Scored], *named: Sequence[Scored], k: int, weight: float) -> list[Scored]:
    """Hybrid hits with lists of named passages.

    The store's hybrid score is already the sum of 1 / (k + rank) over two lists, so weight / (k + rank) is added to it
    for each further one.
    """
    fused = {hit.chunk.id: hit for hit in hits}
    for ranking in named:
        for rank, found in enumerate(ranking, start=1):
            known = fused.get(found.chunk.id)
            score = (known.score if known else 0.0) + weight / (k + rank)
            fused[found.chunk.id] = Scored(found.chunk, score)
    return sorted(fused.values(), key=lambda hit: (-hit.score, hit.chunk.id))
