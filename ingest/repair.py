"""Ledger and index made to agree again, after one of them was lost, restored from a copy or cut short in a write.

Every chunk in the index must be in the stored text of its document, and every document have as many as the ledger says.
A chunk that is not is deleted; a document with another number is noted as unfinished, so that it is done again when it
is next ingested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ingest.ledger import Ledger, LedgerEntry
from retrieval import Collection

_Span = tuple[str, int, int, int]
"""A chunk's id, start, end, and the hash of its text: a large index is not held in memory."""


def agreed_entries(collection: Collection, ledger: Ledger, *, shared: bool) -> list[LedgerEntry]:
    """The collection's documents as they stand in the ledger, after a repair where the number of chunks shows the need.

    `shared`: the index is on a server, where another data folder's documents may lie too. Those that the ledger does
    not know are left alone there, and a number that is too high is no sign of damage.
    """
    with ledger.writing(collection.name):
        entries = ledger.documents(collection.name)
        surplus = collection.index.count() - sum(entry.chunks for entry in entries)
        if surplus == 0 or (shared and surplus > 0):
            return entries
        _repair(entries, collection, ledger, shared=shared)
        return ledger.documents(collection.name)


def _repair(entries: Sequence[LedgerEntry], collection: Collection, ledger: Ledger, *, shared: bool) -> None:
    held: defaultdict[str, list[_Span]] = defaultdict(list)
    for chunk in collection.index.scroll():
        held[chunk.document_id].append((chunk.id, chunk.start, chunk.end, hash(chunk.text)))
    wrong: list[str] = []
    incomplete: dict[str, int] = {}
    for entry in entries:
        spans = held.pop(entry.id, [])
        text = ledger.document(collection.name, entry.id).text
        of_another = [chunk_id for chunk_id, start, end, told in spans if hash(text[start:end]) != told]
        wrong += of_another
        if (left := len(spans) - len(of_another)) != entry.chunks:
            incomplete[entry.id] = left
    if not shared:
        wrong += [chunk_id for spans in held.values() for chunk_id, *_ in spans]
    ledger.unfinish(collection.name, incomplete)
    collection.index.delete_chunks(wrong)
