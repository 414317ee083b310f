"""Threads in SQLite, in the data folder: `threads.sqlite`, and `threads.locks` with a file for each thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite
from filelock import FileLock, Timeout
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.serde import StateSerializer
from agent.store import busy
from hopcite.errors import DataFolderBusy, NoSpace, OperatorError

# Another process holds SQLite's write lock for milliseconds.
_TIMEOUT_S = 10.0


class PruningSaver(AsyncSqliteSaver):
    """The vendor's saver, and the method of LangGraph's port that it lacks."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete all but the last checkpoint of each thread."""
        if strategy != "keep_latest":
            raise NotImplementedError(strategy)
        await self.setup()
        async with self.lock:
            for thread in thread_ids:
                for table in ("writes", "checkpoints"):
                    await self.conn.execute(
                        f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < "  # noqa: S608 - two names of ours
                        "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)",
                        (thread, thread),
                    )
            await self.conn.commit()


class SqliteStore:
    """One connection; SQLite itself keeps several processes apart."""

    def __init__(self, path: Path, db: aiosqlite.Connection) -> None:
        self._path = path
        self._db = db
        self.saver = PruningSaver(db, serde=StateSerializer())

    @asynccontextmanager
    async def hold(self, thread: str) -> AsyncIterator[None]:
        """Lock the thread's file."""
        path = self._lock_file(thread)
        lock = FileLock(path, thread_local=False)
        try:
            path.parent.mkdir(exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            raise busy(thread) from None
        except OSError as exc:
            raise _unusable(path, exc.strerror) from exc
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Tell a full disk and a busy file from the rest."""
        with _translated(self._path):
            yield

    async def forget(self, thread: str) -> None:
        """Delete the rows and the lock's file."""
        await self.saver.adelete_thread(thread)
        self._lock_file(thread).unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Close the file."""
        await self._db.close()

    def _lock_file(self, thread: str) -> Path:
        return self._path.parent / "threads.locks" / f"{thread}.lock"


async def open_sqlite(folder: Path) -> SqliteStore:
    """Open the folder's database, making both if absent."""
    path = folder / "threads.sqlite"
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as exc:
        raise _unusable(folder, exc.strerror) from exc
    with _translated(path):
        store = SqliteStore(path, await aiosqlite.connect(path, timeout=_TIMEOUT_S))
        try:
            await store.saver.setup()
        except BaseException:
            await store.aclose()
            raise
    return store


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        name = getattr(exc, "sqlite_errorname", "")
        if name == "SQLITE_FULL":
            raise NoSpace(f"The disk is full: {path} could not be written; free some space.") from exc
        if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
            raise DataFolderBusy(f"Another process keeps {path} locked; try again when it is done.") from exc
        raise _unusable(path, exc) from exc


def _unusable(path: Path, reason: object) -> OperatorError:
    return OperatorError(f"Cannot use {path} ({reason}); check that the data folder is whole and writable.")
