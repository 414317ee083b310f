"""What guards the folder of an embedded collection: a lock, a reserve of disk space, a marker, errors with their fix.

Beside the folder lies `.<name>.lock`, with which one process at a time makes or deletes the collection. The engine has
a lock of its own for a collection that is open.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hopcite.errors import DataFolderBusy, HopciteError, NoSpace, OperatorError

RESERVE_BYTES = 128 * 1024 * 1024
"""Free space without which nothing is written.

The engine writes through memory maps, so a full disk is no error to it: the system kills the process (SIGBUS). Its log
and its files of payloads, dense and sparse vectors grow by sparse pages of 32 MB; all four may begin one at once.
"""
LOCK_S = 10.0
"""How long to wait for another process that makes or deletes the collection; either takes less than a second."""
WRITING = "writing"
"""A file in the collection's folder while points are written. If it is left over, opening writes them once more."""


@contextmanager
def locked(folder: Path, *, wait_s: float = LOCK_S) -> Iterator[None]:
    """Wait for the processes that are making or deleting this collection; `DataFolderBusy` after `wait_s` seconds."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=wait_s, thread_local=False)
        with lock:
            yield
    except Timeout as exc:
        raise _busy(folder) from exc
    except OSError as exc:
        raise _os_error(exc, folder) from exc


def require(free: int, folder: Path) -> None:
    """Raise `NoSpace` unless the disk has this many free bytes."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        left = shutil.disk_usage(there).free
    except OSError as exc:
        raise _os_error(exc, folder) from exc
    if left < free:
        raise NoSpace(
            f"The disk that holds {folder} has {left // 2**20} MB left, and writing needs {free // 2**20} MB; "
            "free some space and try again."
        )


@contextmanager
def marked(folder: Path) -> Iterator[None]:
    """Leave a file behind where the process is killed in here."""
    marker = folder / WRITING
    try:
        marker.touch()
        try:
            yield
        finally:
            marker.unlink(missing_ok=True)
    except OSError as exc:
        raise _os_error(exc, folder) from exc


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn the engine's errors, all of them bare `Exception`s told apart by their text, into ours."""
    try:
        yield
    except Exception as exc:
        if type(exc) is not Exception:
            raise
        message = str(exc)
        if "WouldBlock" in message:
            raise _busy(folder) from exc
        if "No space left" in message or "os error 28" in message:
            raise NoSpace(f"The disk that holds {folder} is full; free some space and try again.") from exc
        raise OperatorError(f"The vector store in {folder} failed: {message}") from exc


def _busy(folder: Path) -> DataFolderBusy:
    return DataFolderBusy(
        f"The collection {folder.name!r} in {folder.parent.parent} is open in another process: stop that "
        "process, or ask it over HTTP (`hopcite serve`), or share a Qdrant server (HOPCITE_QDRANT__URL)."
    )


def _os_error(exc: OSError, folder: Path) -> HopciteError:
    if exc.errno == 28:
        return NoSpace(f"The disk that holds {folder} is full; free some space and try again.")
    return OperatorError(f"The collection folder {folder} cannot be written: {exc.strerror}; check HOPCITE_DATA_DIR.")
