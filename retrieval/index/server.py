"""A Qdrant server (or, in tests, qdrant-client's own store in memory). Collections are named `hopcite_<name>`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from hopcite.errors import HopciteError, NoSpace, NotFound, Unreachable
from hopcite.types import Chunk
from retrieval.index import stored
from retrieval.index.port import Point, Query, Scored, SparseVector
from retrieval.index.stored import DENSE, SPARSE, Leg, Record

PREFIX = "hopcite_"
UPSERT_BATCH = 256
PAGE = 1000


class ServerIndex:
    """One collection of a Qdrant server. See `retrieval.index.port.Index`."""

    def __init__(self, client: QdrantClient, name: str, *, url: str, prefetch: int, rrf_k: int) -> None:
        self._client = client
        self._collection = PREFIX + name
        self._url = url
        self._prefetch = prefetch
        self._rrf_k = rrf_k

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points in batches, each acknowledged when the server has it on disk."""
        for start in range(0, len(points), UPSERT_BATCH):
            batch = [_to_struct(point) for point in points[start : start + UPSERT_BATCH]]
            with translated(self._url):
                self._client.upsert(self._collection, batch, wait=True)

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        """Remove every chunk of these documents."""
        if document_ids:
            self._delete(models.FilterSelector(filter=_any_of(stored.DOCUMENT_ID, document_ids)))

    def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        """Remove these chunks."""
        if chunk_ids:
            self._delete(models.PointIdsList(points=list(chunk_ids)))

    def _delete(self, selector: models.FilterSelector | models.PointIdsList) -> None:
        with translated(self._url):
            self._client.delete(self._collection, selector, wait=True)

    def query(self, queries: Sequence[Query]) -> list[list[Scored]]:
        """Run the batch as one HTTP request."""
        requests = [self._request(query, leg) for query in queries for leg in stored.legs(query)]
        with translated(self._url):
            found = self._client.query_batch_points(self._collection, requests) if requests else []
        payloads = {str(hit.id): hit.payload for answer in found for hit in answer.points}
        answers = iter(found)
        ranked = []
        for query in queries:
            lists = [[(str(hit.id), hit.score) for hit in next(answers).points] for _ in stored.legs(query)]
            ranked.append(stored.ranked(query, lists, prefetch=self._prefetch, rrf_k=self._rrf_k))
        kept = {chunk_id for hits in ranked for chunk_id, _ in hits}
        return stored.with_chunks(ranked, {each: stored.to_chunk(each, payloads[each]) for each in kept})

    def _request(self, query: Query, leg: Leg) -> models.QueryRequest:
        vectors = query.vectors
        return models.QueryRequest(
            query=list(vectors.dense) if leg == DENSE else _to_sparse(vectors.sparse),
            using=leg,
            filter=_filter(query),
            limit=stored.depth(query, prefetch=self._prefetch),
            with_payload=models.PayloadSelectorInclude(include=list(stored.CHUNK_FIELDS)),
        )

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks of these ids, in this order."""
        with translated(self._url):
            records = self._client.retrieve(self._collection, list(chunk_ids)) if chunk_ids else []
        chunks = {str(record.id): stored.to_chunk(record.id, record.payload) for record in records}
        return [chunks[chunk_id] for chunk_id in chunk_ids if chunk_id in chunks]

    def chunk_ids(self, document_id: str) -> list[str]:
        """The ids of a document's chunks, by position."""
        chunks = self._scroll(_any_of(stored.DOCUMENT_ID, [document_id]))
        return [chunk.id for chunk in sorted(chunks, key=lambda chunk: chunk.position)]

    def publishers(self) -> list[str]:
        """The publisher keys of all chunks."""
        with translated(self._url):
            found = self._client.facet(self._collection, stored.PUBLISHER_KEY, limit=stored.MOST_PUBLISHERS)
        return sorted(str(hit.value) for hit in found.hits)

    def scroll(self) -> Iterator[Chunk]:
        """Every chunk, a page at a time."""
        return self._scroll(None)

    def _scroll(self, where: models.Filter | None) -> Iterator[Chunk]:
        offset = None
        while True:
            with translated(self._url):
                records, offset = self._client.scroll(
                    self._collection, scroll_filter=where, limit=PAGE, offset=offset, with_payload=True
                )
            for record in records:
                yield stored.to_chunk(record.id, record.payload)
            if offset is None:
                return

    def count(self) -> int:
        """Number of chunks."""
        with translated(self._url):
            return self._client.count(self._collection, exact=True).count

    def optimize(self) -> None:
        """Nothing to do: a server builds its graphs in the background, and answers meanwhile."""

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def connect(url: str, *, api_key: str | None, timeout_s: float) -> QdrantClient:
    """A client for the server at `url`; nothing is sent yet."""
    try:
        # The version check warns instead of failing when the server is away; the first request fails clearly.
        return QdrantClient(url=url, api_key=api_key, timeout=max(1, round(timeout_s)), check_compatibility=False)
    except ValueError as exc:
        raise Unreachable(f"qdrant.url {url!r} is no address of a server ({exc}); write http://host:6333.") from exc


def open_server(
    client: QdrantClient, name: str, record: Record, *, url: str, create: bool, prefetch: int, rrf_k: int
) -> ServerIndex | None:
    """Open a collection, making it first where `create` allows. None: there is no such collection."""
    collection = PREFIX + name
    with translated(url):
        if not client.collection_exists(collection):
            if not create:
                return None
            client.create_collection(
                collection,
                vectors_config={DENSE: models.VectorParams(size=record.dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                metadata=record.to_json(),
            )
        info = client.get_collection(collection)
        record.check(info.config.metadata, collection=name, place=f"{collection!r} on {url}")
        # Also after a creation that was interrupted here: the indexes may be missing, the record never is.
        for field in stored.KEYWORD_FIELDS:
            if field not in info.payload_schema:
                client.create_payload_index(collection, field, models.PayloadSchemaType.KEYWORD, wait=True)
    return ServerIndex(client, name, url=url, prefetch=prefetch, rrf_k=rrf_k)


def list_server(client: QdrantClient, *, url: str) -> list[str]:
    """Names of the collections that are ours by their prefix."""
    with translated(url):
        names = [collection.name for collection in client.get_collections().collections]
    return sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def drop_server(client: QdrantClient, name: str, *, url: str) -> None:
    """Delete a collection; `NotFound` when there is none."""
    with translated(url):
        if not client.collection_exists(PREFIX + name):
            raise NotFound(f"There is no collection {name!r} on {url}.")
        client.delete_collection(PREFIX + name)


def _to_struct(point: Point) -> models.PointStruct:
    vector: dict[str, Any] = {DENSE: list(point.vectors.dense)}
    if point.vectors.sparse.indices:
        vector[SPARSE] = _to_sparse(point.vectors.sparse)
    return models.PointStruct(id=point.chunk.id, vector=vector, payload=stored.to_payload(point))


def _to_sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def _any_of(field: str, values: Sequence[str]) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))])


def _filter(query: Query) -> models.Filter | None:
    must: list[models.Condition] = []
    must_not: list[models.Condition] = []
    if query.links is not None:
        keys = models.MatchAny(any=list(query.links.keys))
        must.append(models.FieldCondition(key=query.links.field, match=keys))
        if query.links.exclude_document is not None:
            own = models.MatchValue(value=query.links.exclude_document)
            must_not.append(models.FieldCondition(key=stored.DOCUMENT_ID, match=own))
    if query.within is not None:
        documents = models.MatchAny(any=list(query.within))
        must.append(models.FieldCondition(key=stored.DOCUMENT_ID, match=documents))
    return models.Filter(must=must, must_not=must_not) if must else None


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the client's errors into ours, naming the setting that leads to the server."""
    try:
        yield
    except UnexpectedResponse as exc:
        raise _refused(exc, url) from exc
    except json.JSONDecodeError as exc:
        raise Unreachable(
            f"What answers at {url} is no Qdrant server; correct qdrant.url (HOPCITE_QDRANT__URL)."
        ) from exc
    except (ApiException, QdrantException) as exc:
        raise Unreachable(
            f"The Qdrant server at {url} does not answer ({exc}); "
            "start it, or correct qdrant.url (HOPCITE_QDRANT__URL)."
        ) from exc


def _refused(exc: UnexpectedResponse, url: str) -> HopciteError:
    body = exc.content.decode("utf-8", errors="replace")[:200]
    if exc.status_code in (401, 403):
        return Unreachable(
            f"The Qdrant server at {url} refuses the key; correct qdrant.api_key (HOPCITE_QDRANT__API_KEY)."
        )
    if exc.status_code == 507 or "No space left" in body:
        return NoSpace(f"The disk of the Qdrant server at {url} is full; free some space there and try again.")
    return Unreachable(
        f"The Qdrant server at {url} (qdrant.url) refused a request with status {exc.status_code}: {body}"
    )
