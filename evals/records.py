"""A run's folder: `manifest.json`, `records.jsonl` with one line per question, `summary.json`.

The manifest is written first and completed last; records are appended and synced one by one, so that a run which is
killed at any point can go on.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.manifest import differences
from hopcite.errors import NoSpace, OperatorError, UsageError
from hopcite.types import Answer
from hopcite.wire import answer_json, trace_json

Record = dict[str, Any]


class RunFolder:
    """One run on disk. Open it with `open_run`."""

    def __init__(self, path: Path, manifest: Mapping[str, Any], records: Sequence[Record]) -> None:
        self.path = path
        self.manifest = dict(manifest)
        self.records = list(records)

    def append(self, record: Record) -> None:
        """Add a question's line; it is on the disk when this returns. `NoSpace` leaves the earlier lines intact."""
        line = json.dumps(record, ensure_ascii=False, sort_keys=False) + "\n"
        path = self.path / "records.jsonl"
        try:
            with path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise _translated(exc, path) from exc
        self.records.append(record)

    def complete(self, summary: Mapping[str, Any], *, finished: str) -> None:
        """Write the summary, then mark the manifest as complete."""
        _write(self.path / "summary.json", summary)
        self.manifest.update(status="complete", finished=finished)
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


def open_run(path: Path, manifest: Mapping[str, Any]) -> RunFolder:
    """Start a run in an empty or absent folder, or go on with the one that is there.

    What a killed run left half-written is cut off, and questions that failed are taken out, to be tried again. Raises
    `UsageError` when the folder holds a run with another identity, or something else.
    """
    old = _read_manifest(path)
    if old is None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} exists and is no run folder; choose another --out.")
        kept: list[Record] = []
        current = dict(manifest)
    else:
        if changed := differences(old, manifest):
            raise UsageError(f"{path} holds a run that differs ({'; '.join(changed)}); choose another --out.")
        kept = [record for record in read_records(path) if record["error"] is None]
        current = {**manifest, "started": old["started"], "resumed": [*old["resumed"], manifest["started"]]}
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _translated(exc, path) from exc
    _write(path / "manifest.json", current)
    _write_lines(path / "records.jsonl", kept)
    return RunFolder(path, current, kept)


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
        raise _translated(exc, path) from exc


def _translated(exc: OSError, path: Path) -> OperatorError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"The disk of {path} is full; free some space and run the same command again.")
    return OperatorError(f"{path} cannot be written ({exc.strerror or exc}); check the folder.")
