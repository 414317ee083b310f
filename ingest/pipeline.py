"""The way of a document into the index: read, compared with what is stored, cut, encoded, written, entered.

A batch goes: ledger "indexing" with the new text, new chunks written, old chunks deleted, ledger "ready". Whatever is
interrupted is found "indexing" and done again by the same command; ids come from the content, so nothing doubles.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hopcite.errors import DocumentError, NotFound, UsageError
from hopcite.settings import Settings
from hopcite.types import Document
from ingest.chunking import chunk_documents
from ingest.ledger import Ledger, LedgerEntry
from ingest.readers import SUFFIXES, BadRecord, read_document
from retrieval import Collection

_BATCH_DOCUMENTS = 1024
_BATCH_CHARACTERS = 2_000_000  # bounds the memory of a batch of long documents


@dataclass(frozen=True, slots=True)
class Progress:
    """Documents read so far, and the one read last. `total` is None while it is not known."""

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


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, and all supported ones below folders, by name; hidden ones are left out.

    A file given by name is taken whatever its suffix. Raises `UsageError` when a path does not exist or there is none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(found for found in path.rglob("*") if found.is_file() and not _hidden(found, path))
            files += [found for found in below if found.name.lower().endswith(SUFFIXES)]
        elif path.is_file():
            files.append(path)
        else:
            raise UsageError(f"No such file or folder: {path}")
    if not files:
        raise UsageError(
            f"Nothing to ingest: no {', '.join(SUFFIXES)} file in {', '.join(map(str, paths)) or 'no path'}."
        )
    return list(dict.fromkeys(files))


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
    given from the same folder.
    """
    total = None if any(".jsonl" in file.name.lower() for file in files) else len(files)
    return _ingest(_read(files), total, collection, ledger, settings, progress)


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
    return _ingest(_read_bytes(name, name, data), None, collection, ledger, settings, progress)


def delete_documents(ids: Sequence[str], *, collection: Collection, ledger: Ledger) -> int:
    """Remove documents from index and ledger, and say how many. `NotFound` names unknown ids; then none is removed."""
    known = {entry.id for entry in ledger.documents(collection.name)}
    unknown = [found for found in ids if found not in known]
    if unknown:
        raise NotFound(f"No document {', '.join(map(repr, unknown))} in {collection.name!r}; nothing was deleted.")
    wanted = list(dict.fromkeys(ids))
    collection.index.delete_documents(wanted)
    ledger.remove(collection.name, wanted)
    return len(wanted)


def _ingest(
    items: Iterable[Document | Outcome],
    total: int | None,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    progress: OnProgress | None,
) -> IngestReport:
    started = time.perf_counter()
    known = {entry.id: entry for entry in ledger.documents(collection.name)}
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    for batch in _batches(items):
        todo: list[tuple[Document, str]] = []
        results: list[Outcome] = []
        for item in batch:
            if isinstance(item, Document):
                digest = _digest(item, settings)
                results.append(_compared(item, digest, known, seen))
                if results[-1].status in ("added", "updated"):
                    todo.append((item, digest))
            else:
                results.append(item)
        written = _write(todo, known, collection, ledger, settings)
        outcomes += [replace(result, chunks=written.get(result.document_id or "", result.chunks)) for result in results]
        if progress:
            progress(Progress(len(outcomes), total, batch[-1].source))
    if len(seen) >= _BATCH_DOCUMENTS:
        collection.index.optimize()
    return IngestReport(tuple(outcomes), time.perf_counter() - started)


def _compared(document: Document, digest: str, known: dict[str, LedgerEntry], seen: set[str]) -> Outcome:
    """What is to be done with a document."""
    entry = known.get(document.id)
    if document.id in seen:
        return Outcome(document.source, "failed", f"The id {document.id!r} came twice; the first one counts.")
    if not document.text.strip():
        return Outcome(document.source, "failed", "It holds no text.")
    if entry is not None and entry.source != document.source:
        return Outcome(document.source, "failed", f"The id {document.id!r} is that of {entry.source}; delete it first.")
    seen.add(document.id)
    if entry is not None and entry.status == "ready" and entry.digest == digest:
        return Outcome(document.source, "unchanged", document_id=document.id, chunks=entry.chunks)
    return Outcome(document.source, "added" if entry is None else "updated", document_id=document.id)


def _write(
    todo: Sequence[tuple[Document, str]],
    known: dict[str, LedgerEntry],
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
) -> dict[str, int]:
    """Index documents and return the number of chunks of each."""
    if not todo:
        return {}
    documents = [document for document, _ in todo]
    chunked = chunk_documents(
        documents,
        count_tokens=collection.encoder.count_tokens,
        max_tokens=min(settings.chunking.max_tokens, collection.encoder.max_tokens),
        overlap_sentences=settings.chunking.overlap_sentences,
    )
    ledger.begin(collection.name, todo)
    collection.add([chunk for chunks in chunked for chunk in chunks])
    new = {chunk.id for chunks in chunked for chunk in chunks}
    stale = [
        chunk_id
        for document in documents
        if document.id in known
        for chunk_id in collection.index.chunk_ids(document.id)
        if chunk_id not in new
    ]
    if stale:
        collection.index.delete_chunks(stale)
    counts = {document.id: len(chunks) for document, chunks in zip(documents, chunked, strict=True)}
    ledger.finish(collection.name, counts)
    return counts


def _digest(document: Document, settings: Settings) -> str:
    """Identity of what would be indexed: the document, and how it is cut."""
    content = [document.title, document.text, document.page_starts, dict(document.metadata)]
    text = json.dumps([content, settings.chunking.model_dump()], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


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


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _read(files: Sequence[Path]) -> Iterator[Document | Outcome]:
    for file in files:
        name = file.as_posix()
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
