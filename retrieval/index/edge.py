"""Qdrant Edge: the Qdrant engine in this process, one folder for each collection.

A collection is `collections/<name>/` in the data folder, holding `collection.json` (its `Record`) and `shard/`. The
folder is made under another name and renamed when complete, so a collection either exists whole or not at all.
`retrieval.index.folder` guards it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import qdrant_edge as edge

from hopcite.errors import NotFound, OperatorError
from hopcite.types import Chunk
from retrieval.index import stored
from retrieval.index.folder import LOCK_S, RESERVE_BYTES, WRITING, locked, marked, require, translated
from retrieval.index.port import Point, Query, Scored, SparseVector
from retrieval.index.stored import DENSE, SPARSE, Leg, Record

UPSERT_BATCH = 512
PAGE = 1000
# Below this a full scan takes about as long as embedding the question does, is exact, and needs no build.
FULL_SCAN_KB = 96 * 1024
# The stub's union of conditions has no name, and its lists are invariant.
_Condition: TypeAlias = Any


class EdgeIndex:
    """One open collection in the data folder. See `retrieval.index.port.Index`."""

    def __init__(self, shard: edge.EdgeShard, folder: Path, *, prefetch: int, rrf_k: int, reserve: int) -> None:
        self._shard = shard
        self._folder = folder
        self._reserve = reserve
        self._prefetch = prefetch
        self._rrf_k = rrf_k

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points in batches, then flush to disk once."""
        with translated(self._folder), marked(self._folder):
            for start in range(0, len(points), UPSERT_BATCH):
                require(self._reserve, self._folder)
                batch = [_to_edge(point) for point in points[start : start + UPSERT_BATCH]]
                self._shard.update(edge.UpdateOperation.upsert_points(batch))
            self._shard.flush()

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        """Remove every chunk of these documents."""
        if document_ids:
            self._delete(edge.UpdateOperation.delete_points_by_filter(_any_of(stored.DOCUMENT_ID, document_ids)))

    def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        """Remove these chunks."""
        if chunk_ids:
            self._delete(edge.UpdateOperation.delete_points(list(chunk_ids)))

    def _delete(self, operation: edge.UpdateOperation) -> None:
        with translated(self._folder):
            self._shard.update(operation)
            self._shard.flush()

    def query(self, queries: Sequence[Query]) -> list[list[Scored]]:
        """Run the batch as one planned request."""
        requests = [self._request(query, leg) for query in queries for leg in stored.legs(query)]
        with translated(self._folder):
            found = iter(self._shard.query_batch(edge.QueryBatchRequest(requests)) if requests else [])
        ranked = []
        for query in queries:
            lists = [[(str(hit.id), hit.score) for hit in next(found)] for _ in stored.legs(query)]
            ranked.append(stored.ranked(query, lists, prefetch=self._prefetch, rrf_k=self._rrf_k))
        # The searches of a batch find many passages in common: each is read once, and only if it is kept.
        kept = dict.fromkeys(found for hits in ranked for found, _ in hits)
        return stored.with_chunks(ranked, {chunk.id: chunk for chunk in self.fetch(list(kept))})

    def _request(self, query: Query, leg: Leg) -> edge.QueryRequest:
        vectors = query.vectors
        nearest: Any = list(vectors.dense) if leg == DENSE else _to_sparse(vectors.sparse)
        depth = stored.depth(query, prefetch=self._prefetch)
        return edge.QueryRequest(depth, query=edge.Query.Nearest(nearest, using=leg), filter=_filter(query))

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks of these ids, in this order."""
        with translated(self._folder):
            records = self._shard.retrieve(list(chunk_ids), with_payload=True, with_vector=False) if chunk_ids else []
        chunks = {str(record.id): stored.to_chunk(record.id, record.payload) for record in records}
        return [chunks[chunk_id] for chunk_id in chunk_ids if chunk_id in chunks]

    def chunk_ids(self, document_id: str) -> list[str]:
        """The ids of a document's chunks, by position."""
        chunks = self._scroll(_any_of(stored.DOCUMENT_ID, [document_id]))
        return [chunk.id for chunk in sorted(chunks, key=lambda chunk: chunk.position)]

    def publishers(self) -> list[str]:
        """The publisher keys of all chunks."""
        with translated(self._folder):
            found = self._shard.facet(edge.FacetRequest(stored.PUBLISHER_KEY, limit=stored.MOST_PUBLISHERS))
        return sorted(str(hit.value) for hit in found.hits)

    def scroll(self) -> Iterator[Chunk]:
        """Every chunk, a page at a time."""
        return self._scroll(None)

    def _scroll(self, where: edge.Filter | None) -> Iterator[Chunk]:
        offset = None
        while True:
            with translated(self._folder):
                records, offset = self._shard.scroll(
                    edge.ScrollRequest(offset=offset, limit=PAGE, filter=where, with_payload=True)
                )
            for record in records:
                yield stored.to_chunk(record.id, record.payload)
            if offset is None:
                return

    def count(self) -> int:
        """Number of chunks."""
        with translated(self._folder):
            return self._shard.count(edge.CountRequest(exact=True))

    def optimize(self) -> None:
        """Merge segments, and build the HNSW graph where a collection has outgrown full scans."""
        size = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        require(self._reserve + size, self._folder)  # a merged segment stands beside the old ones until it is complete
        with translated(self._folder):
            self._shard.optimize()

    def close(self) -> None:
        """Release the folder for other processes."""
        self._shard.close()


def open_edge(
    folder: Path,
    record: Record,
    *,
    create: bool,
    prefetch: int,
    rrf_k: int,
    reserve: int = RESERVE_BYTES,
    wait_s: float = LOCK_S,
) -> EdgeIndex | None:
    """Open the collection in `folder`, making it first where `create` allows. None: there is no such collection.

    With less than `reserve` bytes of free disk, a collection can be searched but not written to: `NoSpace`, here where
    `create` says that documents are to come.
    """
    exists = (folder / "collection.json").is_file()
    if not exists and not create:
        return None
    if create or (folder / WRITING).exists():
        require(reserve, folder)
    if not exists:
        with locked(folder, wait_s=wait_s):
            if not (folder / "collection.json").is_file():  # another process may have made it by now
                _create(folder, record)
    record.check(_read_record(folder), collection=folder.name, place=f"the folder {folder}")
    with translated(folder):
        shard = edge.EdgeShard.load(str(folder / "shard"))
        _index_fields(shard)
    return EdgeIndex(shard, folder, prefetch=prefetch, rrf_k=rrf_k, reserve=reserve)


def list_edge(collections: Path) -> list[str]:
    """Names of the collections in this folder."""
    return sorted(path.parent.name for path in collections.glob("[!.]*/collection.json"))


def drop_edge(folder: Path) -> None:
    """Delete a collection. `NotFound` when there is none, `DataFolderBusy` while another process has it open."""
    if not (folder / "collection.json").is_file():
        raise NotFound(f"There is no collection {folder.name!r} in {folder.parent}.")
    with locked(folder):
        with translated(folder):
            edge.EdgeShard.load(str(folder / "shard")).close()
        (folder / "collection.json").unlink()
        shutil.rmtree(folder)


def _create(folder: Path, record: Record) -> None:
    making = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    # A folder without its record is what an interrupted deletion leaves.
    shutil.rmtree(folder, ignore_errors=True)
    making.mkdir(parents=True)
    with translated(folder):
        shard = edge.EdgeShard.create(str(making / "shard"), _config(record.dimensions))
        _index_fields(shard)
        shard.close()
    (making / "collection.json").write_text(json.dumps(record.to_json(), indent=2) + "\n", encoding="utf-8")
    making.replace(folder)


def _index_fields(shard: edge.EdgeShard) -> None:
    """Index the keyword fields; of a collection that an earlier version made, those that it lacks."""
    lacking = [name for name in stored.KEYWORD_FIELDS if name not in shard.info().payload_schema]
    for name in lacking:
        shard.update(edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Keyword))
    if lacking:
        shard.flush()


def _config(dimensions: int) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)},
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=FULL_SCAN_KB),
    )


def _read_record(folder: Path) -> dict[str, object]:
    try:
        found = json.loads((folder / "collection.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise OperatorError(
            f"{folder / 'collection.json'} cannot be read ({exc}); delete {folder} and ingest again."
        ) from exc
    return found if isinstance(found, dict) else {}


def _to_edge(point: Point) -> edge.Point:
    vector: dict[str, Any] = {DENSE: list(point.vectors.dense)}
    if point.vectors.sparse.indices:
        vector[SPARSE] = _to_sparse(point.vectors.sparse)
    return edge.Point(point.chunk.id, vector, stored.to_payload(point))


def _to_sparse(vector: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(list(vector.indices), list(vector.values))


def _any_of(field: str, values: Sequence[str]) -> edge.Filter:
    return edge.Filter(must=[edge.FieldCondition(field, match=edge.MatchAny(list(values)))])


def _filter(query: Query) -> edge.Filter | None:
    must: list[_Condition] = []
    must_not: list[_Condition] = []
    if query.links is not None:
        must.append(edge.FieldCondition(query.links.field, match=edge.MatchAny(list(query.links.keys))))
        if query.links.exclude_document is not None:
            own = edge.MatchValue(query.links.exclude_document)
            must_not.append(edge.FieldCondition(stored.DOCUMENT_ID, match=own))
    if query.within is not None:
        must.append(edge.FieldCondition(stored.DOCUMENT_ID, match=edge.MatchAny(list(query.within))))
    return edge.Filter(must=must, must_not=must_not) if must else None
