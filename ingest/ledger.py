"""The ledger: which documents a data folder holds, their stored text, and how far each has come. SQLite."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from filelock import FileLock, Timeout

from hopcite.errors import DataFolderBusy, NoSpace, NotFound, OperatorError, UsageError
from hopcite.settings import Settings
from hopcite.types import Document

Status = Literal["indexing", "ready"]
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    page_starts TEXT NOT NULL,
    metadata TEXT NOT NULL,
    status TEXT NOT NULL,
    chunks INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
"""
_INSERT = "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'indexing', 0, ?) "


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A document's line in the ledger. `status` is "indexing" while its chunks are being written, and after a crash.

    `chunks`: how many the index holds, all of them cut from the stored text.
    """

    id: str
    title: str
    source: str
    status: Status
    chunks: int
    digest: str
    updated_at: str


def open_ledger(settings: Settings) -> Ledger:
    """Open the data folder's ledger, making both if absent."""
    return Ledger(settings.data_dir / "ledger.sqlite")


class Ledger:
    """One open ledger; usable from several threads. Close it, or use it in a `with` statement.

    `timeout_s`: how long to wait for other writers before `DataFolderBusy`.
    """

    def __init__(self, path: Path, *, timeout_s: float = 30) -> None:
        self._lock = threading.RLock()
        self._timeout_s = timeout_s
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=timeout_s, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as exc:
            raise OperatorError(f"Cannot open {path} ({exc}); check that the data folder is writable.") from exc
        try:
            with _translated(path):
                self._prepare(path)
        except BaseException:
            self._db.close()
            raise
        self._path = path

    def _prepare(self, path: Path) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise OperatorError(f"{path} was written by a newer Hopcite; upgrade, or use another HOPCITE_DATA_DIR.")
        if version < _SCHEMA_VERSION:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._db.close()

    def documents(self, collection: str) -> list[LedgerEntry]:
        """Every document of a collection, by id; none for a collection that does not exist."""
        with self._lock, _translated(self._path):
            rows = self._db.execute(
                "SELECT id, title, source, status, chunks, digest, updated_at FROM documents "
                "WHERE collection = ? ORDER BY id",
                (collection,),
            ).fetchall()
        return [LedgerEntry(*row) for row in rows]

    def document(self, collection: str, document_id: str) -> Document:
        """One document with its stored text; `NotFound` when the collection has none of this id."""
        with self._lock, _translated(self._path):
            row = self._db.execute(
                "SELECT id, title, text, source, page_starts, metadata FROM documents WHERE collection = ? AND id = ?",
                (collection, document_id),
            ).fetchone()
        if row is None:
            raise NotFound(
                f"No document {document_id!r} in collection {collection!r}; `hopcite docs list` names the ids."
            )
        found, title, text, source, page_starts, metadata = row
        return Document(found, title, text, source, tuple(json.loads(page_starts)), json.loads(metadata))

    @contextlib.contextmanager
    def writing(self, collection: str) -> Iterator[None]:
        """Be the only one with this data folder who changes a collection's ledger and index together.

        Others wait; `DataFolderBusy` when they have waited too long.
        """
        lock = FileLock(self._path.with_name(f".{collection}.lock"), timeout=self._timeout_s, thread_local=False)
        try:
            lock.acquire()
        except Timeout as exc:
            raise DataFolderBusy(
                f"The collection {collection!r} is being written by another process with {self._path.parent}; "
                "wait for it, then run the same command again."
            ) from exc
        except OSError as exc:
            raise OperatorError(f"{lock.lock_file} cannot be locked ({exc}); check the data folder.") from exc
        try:
            yield
        finally:
            lock.release()

    def begin(self, collection: str, documents: Sequence[tuple[Document, str]]) -> None:
        """Note that documents are being indexed: what is never finished is done again next time.

        Those that are new are stored with their digests; the others keep the text that their chunks were cut from.
        """
        with self._transaction():
            self._db.executemany(
                _INSERT + "ON CONFLICT DO UPDATE SET status = 'indexing'", _rows(collection, documents)
            )

    def store(self, collection: str, documents: Sequence[tuple[Document, str]]) -> None:
        """Store documents with their digests in place of what was stored; they are still being indexed."""
        with self._transaction():
            self._db.executemany(_INSERT.replace("INSERT", "INSERT OR REPLACE"), _rows(collection, documents))

    def finish(self, collection: str, documents: Sequence[tuple[str, str, int]]) -> None:
        """Note that documents are completely indexed: id, digest, number of chunks.

        One that has been stored with another digest meanwhile stays as it is.
        """
        with self._transaction():
            self._db.executemany(
                "UPDATE documents SET status = 'ready', chunks = ? WHERE collection = ? AND id = ? AND digest = ?",
                [(chunks, collection, document_id, digest) for document_id, digest, chunks in documents],
            )

    def unfinish(self, collection: str, chunks: Mapping[str, int]) -> None:
        """Note that the index has lost chunks of these documents, or will, and how many of each it still holds."""
        with self._transaction():
            self._db.executemany(
                "UPDATE documents SET status = 'indexing', chunks = ? WHERE collection = ? AND id = ?",
                [(left, collection, document_id) for document_id, left in chunks.items()],
            )

    def remove(self, collection: str, document_ids: Sequence[str]) -> None:
        """Forget documents."""
        with self._transaction():
            self._db.executemany(
                "DELETE FROM documents WHERE collection = ? AND id = ?",
                [(collection, document_id) for document_id in document_ids],
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, _translated(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # not after a full disk: SQLite has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise


def _rows(collection: str, documents: Sequence[tuple[Document, str]]) -> list[tuple[str, ...]]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        (
            collection,
            document.id,
            document.title,
            document.source,
            digest,
            document.text,
            json.dumps(document.page_starts),
            json.dumps(dict(document.metadata), ensure_ascii=False),
            now,
        )
        for document, digest in documents
    ]


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        if "locked" in str(exc):
            raise DataFolderBusy(f"{path} is locked by another process; wait for it, or stop it.") from exc
        if "full" in str(exc):
            raise NoSpace(f"The disk of {path} is full; free some space and run the same command again.") from exc
        raise OperatorError(f"{path} cannot be used ({exc}); check the data folder.") from exc
    except sqlite3.DatabaseError as exc:
        raise OperatorError(f"{path} is damaged ({exc}); restore it, or use another HOPCITE_DATA_DIR.") from exc
    except UnicodeEncodeError as exc:
        raise UsageError("A name holds what is no character; write it in UTF-8, as `hopcite docs list` does.") from exc
