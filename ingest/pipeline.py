"""The way of a document into the index: read, compared with what is stored, cut, encoded, written, entered.

Whatever is interrupted is found "indexing" in the ledger and done again by the same command; ids come from the content,
so nothing doubles. At every moment the index holds the chunks of the documents that the ledger calls ready, and none
that is not in the stored text (`ingest.writing`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hopcite.errors import DocumentError, NotFound
from hopcite.settings import Settings
from hopcite.types import Document
from ingest.ledger import Ledger, LedgerEntry
from ingest.readers import BadRecord, read_document
from ingest.repair import agreed_entries
from ingest.writing import write_documents
from retrieval import Collection

_BATCH_DOCUMENTS = 1024
_BATCH_CHARACTERS = 2_000_000  # bounds the memory of a batch of long documents


@dataclass(frozen=True, slots=True)
class Progress:
    """Documents done so far, and the last one read. `total` is None while it is not known.

    Documents go into the index by the batch; within one, `done` is reckoned from the chunks that are encoded.
    """

    done: int
    total: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document, or of a file that gave none."""

    source: str
    status: Literal["added", "updated", "unchanged", "failed"]
    reason: str | None = None
    document_id: str | None = None
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The outcomes in the order of the sources."""

    outcomes: tuple[Outcome, ...]
    seconds: float


OnProgress = Callable[[Progress], None]


def ingest_files(
    files: Sequence[Path],
    *,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    progress: OnProgress | None = None,
) -> IngestReport:
    """Ingest files. One that can't be read is an outcome, not an error.

    A document's id and source are its path as given, so relative paths name the same document as long as they are
    given from the same folder. Records that are named by their line go when their file no longer has that line.
    """
    total = None if any(".jsonl" in file.name.lower() for file in files) else len(files)
    report = _ingest(_read(files), total, collection, ledger, settings, progress)
    _delete_lost_lines(report.outcomes, collection, ledger)
    return report


def ingest_documents(
    documents: Iterable[Document],
    *,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    progress: OnProgress | None = None,
) -> IngestReport:
    """Ingest documents that the caller has made."""
    total = len(documents) if isinstance(documents, Sequence) else None
    return _ingest(documents, total, collection, ledger, settings, progress)


def ingest_upload(
    name: str,
    data: bytes,
    *,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    progress: OnProgress | None = None,
) -> IngestReport:
    """Ingest an uploaded file. The same name again replaces it."""
    report = _ingest(_read_bytes(name, name, data), None, collection, ledger, settings, progress)
    _delete_lost_lines(report.outcomes, collection, ledger)
    return report


def delete_documents(ids: Sequence[str], *, collection: Collection, ledger: Ledger) -> int:
    """Remove documents from index and ledger, and say how many. `NotFound` names unknown ids; then none is removed."""
    wanted = list(dict.fromkeys(ids))
    with ledger.writing(collection.name):
        known = {entry.id for entry in ledger.documents(collection.name)}
        unknown = [found for found in wanted if found not in known]
        if unknown:
            raise NotFound(f"No document {', '.join(map(repr, unknown))} in {collection.name!r}; nothing was deleted.")
        _delete(wanted, collection, ledger)
    return len(wanted)


def _delete_lost_lines(outcomes: Sequence[Outcome], collection: Collection, ledger: Ledger) -> None:
    """Delete the records without an id of their own whose line is gone from a file that was read."""
    there = {outcome.source for outcome in outcomes}
    files = {_file(source) for source in there if _file(source) != source}
    if not files:
        return
    with ledger.writing(collection.name):
        named_by_line = [entry.id for entry in ledger.documents(collection.name) if entry.id == entry.source]
        gone = [found for found in named_by_line if _file(found) in files and found not in files | there]
        if gone:
            _delete(gone, collection, ledger)


def _delete(ids: Sequence[str], collection: Collection, ledger: Ledger) -> None:
    ledger.unfinish(collection.name, dict.fromkeys(ids, 0))
    collection.index.delete_documents(ids)
    ledger.remove(collection.name, ids)


def _ingest(
    items: Iterable[Document | Outcome],
    total: int | None,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    progress: OnProgress | None,
) -> IngestReport:
    started = time.perf_counter()
    entries = agreed_entries(collection, ledger, shared=settings.qdrant.url is not None)
    known = {entry.id: entry for entry in entries}
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    for batch in _batches(items):
        todo: list[tuple[Document, str]] = []
        results: list[Outcome] = []
        for item in batch:
            result, digest = _compared(item, known, seen, settings) if isinstance(item, Document) else (item, "")
            results.append(result)
            if isinstance(item, Document) and result.status in ("added", "updated"):
                todo.append((item, digest))

        def report(part: float, before: int = len(outcomes), batch: Sequence[Document | Outcome] = batch) -> None:
            if progress:
                progress(Progress(before + int(part * len(batch)), total, batch[-1].source))

        written = write_documents(todo, collection=collection, ledger=ledger, settings=settings, report=report)
        outcomes += [replace(result, chunks=written.get(result.document_id or "", result.chunks)) for result in results]
        report(1)
    if len(seen) >= _BATCH_DOCUMENTS:
        collection.index.optimize()
    return IngestReport(tuple(outcomes), time.perf_counter() - started)


def _compared(
    document: Document, known: dict[str, LedgerEntry], seen: set[str], settings: Settings
) -> tuple[Outcome, str]:
    """What is to be done with a document, and its digest."""
    entry = known.get(document.id)
    digest = ""
    reason = None
    try:
        digest = _digest(document, settings)
    except UnicodeEncodeError:
        reason = "It holds half of a surrogate pair (\\ud800 to \\udfff), which is no character; correct it."
    if document.id in seen:
        reason = f"The id {document.id!r} came twice; the first one counts."
    elif not document.text.strip():
        reason = "It holds no text."
    elif entry is not None and _file(entry.source) != _file(document.source):
        reason = f"The id {document.id!r} is that of {entry.source}; delete it first."
    if reason:
        return Outcome(document.source, "failed", reason), digest
    seen.add(document.id)
    if entry is not None and entry.status == "ready" and entry.digest == digest:
        return Outcome(document.source, "unchanged", document_id=document.id, chunks=entry.chunks), digest
    return Outcome(document.source, "added" if entry is None else "updated", document_id=document.id), digest


def _file(source: str) -> str:
    """A record's file: its line may change while it stays the same document."""
    return re.sub(r"#\d+$", "", source)


def _digest(document: Document, settings: Settings) -> str:
    """Identity of what would be indexed: the document, and how it is cut. `UnicodeEncodeError`: no store takes it."""
    content = [document.id, document.source, document.title, document.text, document.page_starts]
    text = json.dumps(
        [content, dict(document.metadata), settings.chunking.model_dump()], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _batches(items: Iterable[Document | Outcome]) -> Iterator[list[Document | Outcome]]:
    batch: list[Document | Outcome] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.text) if isinstance(item, Document) else 0
        if len(batch) == _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _read(files: Sequence[Path]) -> Iterator[Document | Outcome]:
    for file in files:
        # A name in another encoding than UTF-8 holds what no store takes; its odd bytes are written as \xe9.
        name = os.fsencode(file.as_posix()).decode("utf-8", "backslashreplace")
        try:
            data = file.read_bytes()
        except OSError as exc:
            yield Outcome(name, "failed", f"It cannot be opened: {exc.strerror}.")
            continue
        yield from _read_bytes(name, name, data)


def _read_bytes(name: str, source: str, data: bytes) -> Iterator[Document | Outcome]:
    try:
        for item in read_document(name, source, data):
            yield Outcome(item.source, "failed", item.reason) if isinstance(item, BadRecord) else item
    except DocumentError as exc:
        yield Outcome(source, "failed", str(exc))
