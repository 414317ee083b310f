"""A collection: chunks that can be searched with a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from hopcite.errors import NotFound, UsageError
from hopcite.settings import COLLECTION_NAME, SearchMode, SearchSettings, Settings
from hopcite.types import Chunk, Hit
from retrieval.encoder import Encoder
from retrieval.hops import Further, Search, by_publisher, follow, fuse, named_in, published_in
from retrieval.index.port import Index, Point, Query, Scored, SparseVector, Vectors
from retrieval.index.stored import Record
from retrieval.names import title_key

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

SLICE = 1024
"""Chunks encoded and then written at once: bounds the memory, and what a crash can lose."""

_NEAREST = 50


class Collection:
    """One open collection with the encoder that built it. Methods block; call them from a thread in async code."""

    def __init__(self, name: str, encoder: Encoder, index: Index, search_settings: SearchSettings) -> None:
        self.name = name
        self.encoder = encoder
        self.index = index
        self.search_settings = search_settings

    def add(self, chunks: Sequence[Chunk], *, progress: Callable[[int], None] | None = None) -> None:
        """Encode and store chunks, replacing those of the same id. `progress` gets the number encoded so far."""
        for points in self.encoded(chunks, progress=progress):
            self.index.upsert(points)

    def encoded(
        self, chunks: Sequence[Chunk], *, progress: Callable[[int], None] | None = None
    ) -> Iterator[list[Point]]:
        """Chunks as the index takes them, in lists of up to `SLICE`; each list is encoded when it is asked for."""
        for start in range(0, len(chunks), SLICE):
            part = chunks[start : start + SLICE]
            texts = [embedded_text(chunk) for chunk in part]
            report = None if progress is None else (lambda done, before=start: progress(before + done))
            vectors = self.encoder.encode_documents(texts, progress=report)
            yield [
                Point(chunk, vector, title_key(chunk.title), title_key(chunk.metadata.get("publisher", "")))
                for chunk, vector in zip(part, vectors, strict=True)
            ]

    def search(
        self,
        queries: Sequence[str],
        *,
        limit: int,
        mode: SearchMode | None = None,
        hops: bool | None = None,
        within: tuple[str, ...] | None = None,
    ) -> list[list[Hit]]:
        """The best `limit` chunks for each query, as one batch: one round trip to the store, two with hops.

        `hops` follows names between passages. Only the hybrid mode has hops. `mode` and `hops` None: as the settings
        say. `within` names the documents to search; None: all.
        """
        if limit < 1:
            raise UsageError(f"The limit must be at least 1; it was {limit}.")
        for query in queries:
            _check_query(query)
        settings = self.search_settings
        mode = mode or settings.mode
        if hops and mode != "hybrid":
            raise UsageError(f"Hops need the hybrid mode; the mode was {mode!r}.")
        if not queries:
            return []
        hop = settings.hops if hops is None else hops
        vectors = self.encoder.encode_queries(queries)
        if mode != "hybrid" or not hop:
            found = self.index.query([Query(vector, limit, mode, within=within) for vector in vectors])
        else:
            # Deeper than asked for: a neighbour may also stand far down in the hybrid list, and gets the sum.
            depth = max(limit, settings.prefetch)
            first = self.index.query(
                [Query(vector, depth, within=within) for vector in vectors]
                + [named_in(query, vector, within=within) for query, vector in zip(queries, vectors, strict=True)]
                + [published_in(query, vector, within=within) for query, vector in zip(queries, vectors, strict=True)]
            )
            n = len(queries)
            hybrid, named, published = first[:n], first[n : 2 * n], first[2 * n :]
            searches = [Search(*parts) for parts in zip(queries, vectors, hybrid, strict=True)]
            neighbours = follow(
                self.index, searches, settings=settings, sparse=self.encoder.encode_words, within=within
            )
            found = [
                fuse(
                    hits,
                    [
                        Further(of_question, settings.hop_weight),
                        *by_publisher(of_publishers, weight=settings.hop_weight),
                        *of_hits,
                    ],
                    k=settings.rrf_k,
                )[:limit]
                for hits, of_question, of_publishers, of_hits in zip(hybrid, named, published, neighbours, strict=True)
            ]
        return [[Hit(hit.chunk, rank, hit.score) for rank, hit in enumerate(hits, start=1)] for hits in found]

    def holds(self, phrases: Sequence[str], *, within: tuple[str, ...] | None = None) -> list[bool]:
        """Of each phrase whether one chunk, with its title, has all its words, in forms that BM25 takes for the same.

        Looked for in the `_NEAREST` chunks that BM25 ranks first, where one with all the words is nearly always.
        """
        asked = [self.encoder.encode_words(phrase) for phrase in phrases]
        queries = [Query(Vectors((), sparse), _NEAREST, "sparse", within=within) for sparse in asked if sparse.indices]
        found = iter(self.index.query(queries))
        # Words that are so common that they are not indexed are held.
        return [self._one_has(sparse, next(found)) if sparse.indices else True for sparse in asked]

    def _one_has(self, sparse: SparseVector, hits: Sequence[Scored]) -> bool:
        words = set(sparse.indices)
        return any(words <= set(self.encoder.encode_words(embedded_text(hit.chunk)).indices) for hit in hits)

    def close(self) -> None:
        """Release the store."""
        self.index.close()


def embedded_text(chunk: Chunk) -> str:
    """What is encoded for a chunk: its document's title above its text."""
    return f"{chunk.title}\n{chunk.text}"


def open_collection(
    settings: Settings, encoder: Encoder, *, name: str | None = None, create: bool = False
) -> Collection:
    """Open a collection (`settings.collection` by default), making it first if absent and `create`.

    Raises `NotFound`, `CollectionMismatch` when another encoder built it, `DataFolderBusy`, `Unreachable`.
    """
    name = _checked(settings.collection if name is None else name)
    record = Record(encoder.fingerprint, encoder.dimensions)
    search = settings.search
    index: Index | None
    if settings.qdrant.url:
        from retrieval.index.server import open_server

        client, url = _client(settings), settings.qdrant.url
        index = open_server(client, name, record, url=url, create=create, prefetch=search.prefetch, rrf_k=search.rrf_k)
    else:
        from retrieval.index.edge import open_edge

        folder = settings.data_dir / "collections" / name
        index = open_edge(folder, record, create=create, prefetch=search.prefetch, rrf_k=search.rrf_k)
    if index is None:
        raise NotFound(
            f"There is no collection {name!r} yet; add documents to it, for instance with "
            f"`hopcite ingest PATH --collection {name}`."
        )
    return Collection(name, encoder, index, search)


def list_collections(settings: Settings) -> list[str]:
    """Names of the collections in the data folder or on the server."""
    if settings.qdrant.url:
        from retrieval.index.server import list_server

        with closing(_client(settings)) as client:
            return list_server(client, url=settings.qdrant.url)
    from retrieval.index.edge import list_edge

    return list_edge(settings.data_dir / "collections")


def drop_collection(settings: Settings, name: str) -> None:
    """Delete a collection and everything in it; `NotFound` when there is none."""
    name = _checked(name)
    if settings.qdrant.url:
        from retrieval.index.server import drop_server

        with closing(_client(settings)) as client:
            drop_server(client, name, url=settings.qdrant.url)
    else:
        from retrieval.index.edge import drop_edge

        drop_edge(settings.data_dir / "collections" / name)


def _client(settings: Settings) -> QdrantClient:
    from retrieval.index.server import connect

    qdrant = settings.qdrant
    key = qdrant.api_key.get_secret_value() if qdrant.api_key else None
    return connect(qdrant.url or "", api_key=key, timeout_s=qdrant.timeout_s)


def _check_query(query: str) -> None:
    if not query.strip():
        raise UsageError("The question is empty; write what you want to know.")
    try:
        query.encode()
    except UnicodeEncodeError as exc:
        raise UsageError("The question holds what is no character; write it in UTF-8.") from exc


def _checked(name: str) -> str:
    if not re.fullmatch(COLLECTION_NAME, name):
        raise UsageError(f"{name!r} is no name for a collection: use up to 64 letters, digits, '-' and '_'.")
    return name
