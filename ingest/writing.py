"""Documents in place of what the index and the ledger held under their ids.

Encoding takes minutes, replacing moments, so everything is encoded first. Then, in this order: the ledger notes that
the old chunks go, they are deleted, the new text is stored, the new chunks are written, the ledger notes that they are
there. Wherever that is cut short, the index lacks chunks, but holds none that is not in the stored text: what is cited
can always be found there. Replacing is locked: of two processes that write one document, the later has it wholly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hopcite.settings import Settings
from hopcite.types import Chunk, Document
from ingest.chunking import chunk_documents
from ingest.ledger import Ledger
from retrieval import Collection
from retrieval.collection import SLICE

_Cut = tuple[Document, str, list[Chunk]]
"""A document, its digest and its chunks."""


def write_documents(
    todo: Sequence[tuple[Document, str]],
    *,
    collection: Collection,
    ledger: Ledger,
    settings: Settings,
    report: Callable[[float], None],
) -> dict[str, int]:
    """Index documents, each with its digest, and return the number of chunks of each.

    `report` gets the part encoded so far, 0 to 1.
    """
    if not todo:
        return {}
    chunked = chunk_documents(
        [document for document, _ in todo],
        count_tokens=collection.encoder.count_tokens,
        max_tokens=min(settings.chunking.max_tokens, collection.encoder.max_tokens),
        overlap_sentences=settings.chunking.overlap_sentences,
    )
    ledger.begin(collection.name, todo)
    total = sum(map(len, chunked))
    before = 0
    for group in _groups([(*one, chunks) for one, chunks in zip(todo, chunked, strict=True)]):

        def encoded(done: int, before: int = before) -> None:
            report((before + done) / total)

        _replace(group, collection, ledger, encoded)
        before += sum(len(chunks) for _, _, chunks in group)
    return {document.id: len(chunks) for (document, _), chunks in zip(todo, chunked, strict=True)}


def _groups(cut: Sequence[_Cut]) -> Iterator[list[_Cut]]:
    """Whole documents, as many as are encoded at once; a longer one is alone."""
    group: list[_Cut] = []
    size = 0
    for one in cut:
        if group and size + len(one[2]) > SLICE:
            yield group
            group, size = [], 0
        group.append(one)
        size += len(one[2])
    yield group


def _replace(group: Sequence[_Cut], collection: Collection, ledger: Ledger, progress: Callable[[int], None]) -> None:
    """Put documents in the place of what is there under their ids. One too long to encode at once grows by slices."""
    ids = [document.id for document, _, _ in group]
    slices = collection.encoded([chunk for _, _, chunks in group for chunk in chunks], progress=progress)
    first = next(slices, [])
    with ledger.writing(collection.name):
        ledger.unfinish(collection.name, dict.fromkeys(ids, 0))
        # All of them, as a chunk that comes again may have moved: its offsets are those of the old text.
        collection.index.delete_documents(ids)
        ledger.store(collection.name, [(document, digest) for document, digest, _ in group])
        collection.index.upsert(first)
        for points in slices:
            collection.index.upsert(points)
        ledger.finish(collection.name, [(document.id, digest, len(chunks)) for document, digest, chunks in group])
