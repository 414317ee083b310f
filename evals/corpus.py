"""A data set's corpus as a collection: ingested once, then found again by its name."""

from __future__ import annotations

from collections.abc import Callable

from evals.datasets import Dataset
from evals.manifest import collection_fingerprint
from hopcite.errors import UsageError
from hopcite.settings import Settings
from ingest import Ledger, ingest_documents
from retrieval import Encoder, open_collection

OnDone = Callable[[int, int | None], None]
"""Documents done, and their total where it is known."""


def collection_name(dataset: Dataset, settings: Settings, *, encoder: str) -> str:
    """The name holds what decides the collection's content, so one that exists is the right one."""
    return f"{dataset.name}-{collection_fingerprint(dataset, settings, encoder=encoder)}"


def ingest_corpus(dataset: Dataset, *, encoder: Encoder, ledger: Ledger, settings: Settings, progress: OnDone) -> str:
    """Ingest the corpus unless every document of it is there; the collection's name."""
    name = collection_name(dataset, settings, encoder=encoder.fingerprint)
    ready = {entry.id for entry in ledger.documents(name) if entry.status == "ready"}
    if ready >= {document.id for document in dataset.documents}:
        return name
    collection = open_collection(settings, encoder, name=name, create=True)
    try:
        done = ingest_documents(
            dataset.documents,
            collection=collection,
            ledger=ledger,
            settings=settings,
            progress=lambda now: progress(now.done, now.total),
        )
    finally:
        collection.close()
    failed = [outcome for outcome in done.outcomes if outcome.status == "failed"]
    if failed:
        raise UsageError(f"{len(failed)} documents cannot be ingested: {failed[0].source}: {failed[0].reason}")
    return name
