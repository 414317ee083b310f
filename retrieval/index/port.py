"""The port to a vector store: what both Qdrant adapters do, and nothing that only one of them can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hopcite.settings import SearchMode
from hopcite.types import Chunk


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term ids and their weights, of one length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Vectors:
    """One text's vectors. `dense` has unit length."""

    dense: tuple[float, ...]
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk as it is stored, with the keys of its title and its publisher (see `retrieval.names`); empty: none."""

    chunk: Chunk
    vectors: Vectors
    title_key: str
    publisher_key: str = ""


KeyField = Literal["title_key", "publisher_key"]


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Passages whose `field` is one of `keys`, outside `exclude_document` if there is one."""

    keys: tuple[str, ...]
    exclude_document: str | None
    field: KeyField = "title_key"


@dataclass(frozen=True, slots=True)
class Query:
    """One search of a batch."""

    vectors: Vectors
    limit: int
    mode: SearchMode = "hybrid"
    links: LinkFilter | None = None
    within: tuple[str, ...] | None = None
    """Ids of the documents to search; None: all."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A stored chunk with the store's score: fused (hybrid), cosine (dense) or BM25 (sparse)."""

    chunk: Chunk
    score: float


class Index(Protocol):
    """One open collection. Methods block; call them from a thread in async code. Close it when done.

    Errors: `Unreachable`, `DataFolderBusy`, `NoSpace`, `CollectionMismatch` (on opening).
    """

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points, replacing those of the same chunk id. Durable when it returns."""
        ...

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        """Remove every chunk of these documents. Unknown ids are no error."""
        ...

    def delete_chunks(self, chunk_ids: Sequence[str]) -> None:
        """Remove these chunks. Unknown ids are no error."""
        ...

    def query(self, queries: Sequence[Query]) -> list[list[Scored]]:
        """Run a batch in one round trip: best first, at most `limit` each, ties in a fixed order."""
        ...

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks of these ids, in this order, leaving out the unknown."""
        ...

    def chunk_ids(self, document_id: str) -> list[str]:
        """The ids of a document's chunks, by position."""
        ...

    def publishers(self) -> list[str]:
        """The publisher keys of all chunks, in alphabetical order."""
        ...

    def scroll(self) -> Iterator[Chunk]:
        """Every chunk, in no particular order."""
        ...

    def count(self) -> int:
        """Number of chunks."""
        ...

    def optimize(self) -> None:
        """Build the search structures now, after a large write, rather than on the way."""
        ...

    def close(self) -> None:
        """Release files and connections. Safe to call twice."""
        ...
