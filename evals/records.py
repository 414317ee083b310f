"""A run's folder: `manifest.json`, `records.jsonl` with one line per question, `summary.json`.

The manifest is written first and completed last; records are appended and synced one by one, so that a run which is
killed at any point can go on. A lock keeps two processes from writing to one folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from evals.manifest import differences
from hopcite.errors import NoSpace, OperatorError, UsageError
from hopcite.types import Answer
from hopcite.wire import answer_json, trace_json

Record = dict[str, Any]
_LOCK = "lock"
# What a run that never got to its manifest leaves.
_LEFTOVERS = {_LOCK, "manifest.json.new"}


class RunFolder:
    """One run on disk. Open it with `open_run`, and use it in a `with` statement: no other process may write to it."""

    def __init__(self, path: Path, manifest: Mapping[str, Any], records: Sequence[Record], lock: FileLock) -> None:
        self.path = path
        self.manifest = dict(manifest)
        self.records = list(records)
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def append(self, record: Record) -> None:
        """Add a question's line; it is on the disk when this returns. `NoSpace` leaves the earlier lines intact."""
        line = json.dumps(record, ensure_ascii=False, sort_keys=False) + "\n"
        path = self.path / "records.jsonl"
        try:
            _append(path, line.encode())
        except OSError as exc:
            raise _translated(exc, path) from exc
        self.records.append(record)

    def complete(self, summary: Mapping[str, Any], *, finished: str, **facts: object) -> None:
        """Write the summary, then mark the manifest as complete, with what is known of the run only now."""
        _write(self.path / "summary.json", summary)
        self.manifest.update(facts, status="complete", finished=finished)
        _write(self.path / "manifest.json", self.manifest)


def answer_record(answer: Answer) -> Record:
    """What a record keeps of an answer: its JSON, the documents that each step found, and what each stage did."""
    document_of = {hit.chunk.id: hit.chunk.document_id for hit in answer.evidence}
    return {
        **answer_json(answer),
        "found_documents": {
            step.id: list(dict.fromkeys(document_of[id_] for id_ in step.chunk_ids if id_ in document_of))
            for step in answer.steps
        },
        "trace": trace_json(answer.trace)["events"],
    }


def open_run(path: Path, manifest: Mapping[str, Any], *, retry: Container[str] = ()) -> RunFolder:
    """Start a run in an empty or absent folder, or go on with the one that is there.

    What a killed run left half-written is cut off, and those of the questions `retry` that failed are taken out, to be
    tried again. Raises `UsageError` when the folder holds a run with another identity, or something else, or when
    another process is writing to it.
    """
    _resumable(path, manifest)  # a folder that is not ours is left as it is
    lock = _locked(path)
    try:
        old = _resumable(path, manifest)
        kept = [record for record in read_records(path) if record["error"] is None or record["id"] not in retry]
        current = dict(manifest)
        if old is not None:
            current |= {"started": old["started"], "resumed": [*old["resumed"], manifest["started"]]}
        _write(path / "manifest.json", current)
        _write_lines(path / "records.jsonl", kept)
    except BaseException:
        lock.release()
        raise
    return RunFolder(path, current, kept, lock)


def read_records(path: Path) -> list[Record]:
    """The complete records of a run folder, in the order in which they were written.

    Only the last line may lack its line feed: it was being written when the run was killed, and is left out.
    """
    file = path / "records.jsonl"
    if not file.exists():
        return []
    *lines, _half = file.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            record["id"], record["error"], record["scores"]
        except (ValueError, TypeError, KeyError) as exc:
            raise UsageError(f"{file}, line {number} is no record; restore the file or choose another --out.") from exc
        records.append(record)
    return records


def _resumable(path: Path, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of the run that is there; None where a run may start."""
    old = _read_manifest(path)
    if old is None:
        if path.exists() and (not path.is_dir() or any(file.name not in _LEFTOVERS for file in path.iterdir())):
            raise UsageError(f"{path} exists and is no run folder; choose another --out.")
    elif changed := differences(old, manifest):
        raise UsageError(f"{path} holds a run that differs ({'; '.join(changed)}); choose another --out.")
    return old


def _locked(path: Path) -> FileLock:
    lock = FileLock(path / _LOCK, thread_local=False)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as exc:
        raise UsageError(f"Another process is writing to {path}; wait for it, or choose another --out.") from exc
    except OSError as exc:
        raise _translated(exc, path) from exc
    return lock


def _read_manifest(path: Path) -> dict[str, Any] | None:
    file = path / "manifest.json"
    if not file.is_file():
        return None
    try:
        manifest = json.loads(file.read_bytes())
        manifest["identity"], manifest["settings"], manifest["started"], manifest["resumed"]
    except (ValueError, TypeError, KeyError) as exc:
        raise UsageError(f"{file} is no manifest of this version; choose another --out.") from exc
    return dict(manifest)


def _append(path: Path, line: bytes) -> None:
    before = path.stat().st_size
    try:
        with path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        # Half a line would spoil the next one.
        with contextlib.suppress(OSError):
            os.truncate(path, before)
        raise


def _write(path: Path, value: Mapping[str, Any]) -> None:
    replace_file(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _write_lines(path: Path, records: Sequence[Record]) -> None:
    replace_file(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def replace_file(path: Path, text: str) -> None:
    """Write beside, then rename: a reader sees the old file or the new one, whole. `NoSpace`, `OperatorError`."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise _translated(exc, path) from exc


def _translated(exc: OSError, path: Path) -> OperatorError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"The disk of {path} is full; free some space and run the same command again.")
    return OperatorError(f"{path} cannot be written ({exc.strerror or exc}); check the folder.")
