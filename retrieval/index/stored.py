"""What both stores write and read alike: a chunk's payload, a collection's record, the order of ties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from hopcite.errors import CollectionMismatch
from hopcite.types import Chunk
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.index.port import Point, Query, Scored

SCHEMA = 1
"""Raised when vectors, payload or keys change their meaning, so that an older collection is refused."""

Leg = Literal["dense", "sparse"]
DENSE: Leg = "dense"
SPARSE: Leg = "sparse"
DOCUMENT_ID, TITLE_KEY, PUBLISHER_KEY = "document_id", "title_key", "publisher_key"
KEYWORD_FIELDS = (DOCUMENT_ID, TITLE_KEY, PUBLISHER_KEY)

CHUNK_FIELDS = tuple(field.name for field in fields(Chunk) if field.name != "id")

MOST_PUBLISHERS = 100_000
"""Far more than anybody has: stores want a limit."""

OVERFETCH = 8
"""Hits asked for beyond the limit: which of several equal ones make the cut is then settled here, not by the store."""


def to_payload(point: Point) -> dict[str, Any]:
    """Everything of the chunk but its id, which is the point's."""
    chunk = point.chunk
    values = {name: getattr(chunk, name) for name in CHUNK_FIELDS}
    keys = {TITLE_KEY: point.title_key}
    if point.publisher_key:
        keys[PUBLISHER_KEY] = point.publisher_key
    return {**values, "metadata": dict(chunk.metadata), **keys}


def to_chunk(point_id: object, payload: Mapping[str, Any] | None) -> Chunk:
    """The chunk of a stored point."""
    values = payload or {}
    return Chunk(id=str(point_id), **{name: values[name] for name in CHUNK_FIELDS})


def legs(query: Query) -> tuple[Leg, ...]:
    """The lists that a query asks the store for: one, two to be fused, or none where nothing can match."""
    if query.links is not None and not query.links.keys:
        return ()
    modes: tuple[Leg, ...] = (DENSE, SPARSE) if query.mode == "hybrid" else (query.mode,)
    return tuple(leg for leg in modes if leg == DENSE or query.vectors.sparse.indices)


def depth(query: Query, *, prefetch: int) -> int:
    """Hits that each of these lists must have."""
    return OVERFETCH + (max(prefetch, query.limit) if query.mode == "hybrid" else query.limit)


def ranked(
    query: Query, lists: Sequence[Iterable[tuple[str, float]]], *, prefetch: int, rrf_k: int
) -> list[tuple[str, float]]:
    """Chunk ids with their scores from the lists of a query, best first, equal scores by id.

    A hybrid query's lists are fused by reciprocal ranks here: a store's own fusion ranks the equal hits of a list by
    where they lie in it, so that two ingestions of the same documents differ. `lists` hold ids and scores in any order.
    """
    ordered = [in_order(hits, limit=depth(query, prefetch=prefetch) - OVERFETCH) for hits in lists]
    if query.mode != "hybrid":
        return ordered[0] if ordered else []
    fused = reciprocal_rank_fusion([[found for found, _ in hits] for hits in ordered], k=rrf_k)
    return in_order(fused, limit=query.limit)


def in_order(hits: Iterable[tuple[str, float]], *, limit: int) -> list[tuple[str, float]]:
    """Chunk ids with their scores, best first, equal scores by id.

    Stores differ in the last digits of a score, so those are ignored.
    """
    return sorted(hits, key=lambda hit: (-round(hit[1], 6), hit[0]))[:limit]


def with_chunks(ranked: Iterable[Sequence[tuple[str, float]]], chunks: Mapping[str, Chunk]) -> list[list[Scored]]:
    """Rankings of ids as rankings of chunks. An id without a chunk, deleted meanwhile, is left out."""
    return [[Scored(chunks[found], score) for found, score in hits if found in chunks] for hits in ranked]


@dataclass(frozen=True, slots=True)
class Record:
    """What a collection remembers about how it was built."""

    encoder: str
    dimensions: int
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def check(self, stored: Mapping[str, Any] | None, *, collection: str, place: str) -> None:
        """Raise `CollectionMismatch` unless the collection was built as this record says. `place`: what to delete."""
        if not stored or "encoder" not in stored:
            raise CollectionMismatch(
                f"The collection {collection!r} was not made by Hopcite; use another --collection."
            )
        remedy = f"Use another --collection, or delete {place} and ingest its documents again."
        if stored.get("schema") != self.schema:
            raise CollectionMismatch(
                f"The collection {collection!r} has layout {stored.get('schema')}, this version reads {self.schema}. "
                + remedy
            )
        if stored["encoder"] != self.encoder:
            raise CollectionMismatch(
                f"The collection {collection!r} was built with the encoder {stored['encoder']!r}, and "
                f"{self.encoder!r} is configured (encoder.model). {remedy}"
            )
