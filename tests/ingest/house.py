"""What the tests of the pipeline share."""

from __future__ import annotations

from pathlib import Path

from hopcite.settings import ChunkingSettings, Settings
from hopcite.types import Chunk, Document
from ingest import IngestReport, Ledger, Progress, find_files, ingest_documents, ingest_files, open_ledger
from retrieval import Collection, open_collection
from tests.fakes import HashingEncoder


def text(name: str, body: str) -> Document:
    return Document(name, name.title(), body, f"{name}.txt")


LONG = "The tarn is a deep and cold lake in the north. The ferry crosses it in nine minutes. Nobody swims."


def statuses(report: IngestReport) -> list[str]:
    return [outcome.status for outcome in report.outcomes]


class House:
    """A data folder with its ledger and one open collection."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder / "data", chunking=ChunkingSettings(max_tokens=16))
        self.ledger: Ledger = open_ledger(self.settings)
        self.collection: Collection = open_collection(self.settings, HashingEncoder(), create=True)
        self.heard: list[Progress] = []

    def ingest(self, *documents: Document, collection: Collection | None = None) -> IngestReport:
        return ingest_documents(
            documents,
            collection=collection or self.collection,
            ledger=self.ledger,
            settings=self.settings,
            progress=self.heard.append,
        )

    def ingest_files(self, *paths: Path) -> IngestReport:
        return ingest_files(find_files(paths), collection=self.collection, ledger=self.ledger, settings=self.settings)

    def found(self, query: str) -> list[str]:
        [hits] = self.collection.search([query], limit=10, hops=False)
        return [hit.chunk.text for hit in hits]

    def points(self) -> dict[str, Chunk]:
        return {chunk.id: chunk for chunk in self.collection.index.scroll()}

    def reopen(self) -> None:
        self.collection = open_collection(self.settings, HashingEncoder(), create=True)

    def close(self) -> None:
        self.collection.close()
        self.ledger.close()
