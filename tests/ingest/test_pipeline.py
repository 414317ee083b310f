"""Documents into the index: once, wholly, and nothing of what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from hopcite.errors import NotFound, OperatorError, UsageError
from hopcite.settings import ChunkingSettings, Settings
from hopcite.types import Document
from ingest import (
    IngestReport,
    Ledger,
    Progress,
    delete_documents,
    find_files,
    ingest_documents,
    ingest_files,
    ingest_upload,
    open_ledger,
)
from retrieval import Collection, open_collection, open_encoder
from retrieval.index.port import Vectors
from tests.fakes import HashingEncoder


class FailingEncoder(HashingEncoder):
    """Breaks down at the call after `calls` good ones."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        if self.calls == 0:
            raise OperatorError("The encoder broke down.")
        self.calls -= 1
        return super().encode_documents(texts, progress=progress)


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

    def points(self) -> set[str]:
        [hits] = self.collection.search(["a"], limit=1000, mode="dense")
        return {hit.chunk.id for hit in hits}

    def close(self) -> None:
        self.collection.close()
        self.ledger.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    opened.close()


def text(name: str, body: str) -> Document:
    return Document(name, name.title(), body, f"{name}.txt")


LONG = "The tarn is a deep and cold lake in the north. The ferry crosses it in nine minutes. Nobody swims."


def statuses(report: IngestReport) -> list[str]:
    return [outcome.status for outcome in report.outcomes]


def test_added_then_unchanged_then_updated(house: House) -> None:
    assert statuses(house.ingest(text("tarn", LONG), text("oss", "A river."))) == ["added", "added"]
    before = house.points()
    assert statuses(house.ingest(text("tarn", LONG), text("oss", "A river."))) == ["unchanged", "unchanged"]
    assert house.points() == before
    assert statuses(house.ingest(text("tarn", "A pond."), text("oss", "A river."))) == ["updated", "unchanged"]
    assert sorted(house.found("deep cold lake pond river")) == ["A pond.", "A river."]
    entries = {entry.id: (entry.status, entry.chunks) for entry in house.ledger.documents("documents")}
    assert entries == {"oss": ("ready", 1), "tarn": ("ready", 1)}


def test_chunks_are_slices_of_the_stored_text(house: House) -> None:
    house.ingest(text("tarn", LONG))
    stored = house.ledger.document("documents", "tarn")
    [hits] = house.collection.search(["tarn ferry"], limit=10, hops=False)
    assert len(hits) > 1
    assert all(stored.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text for hit in hits)


def test_progress_ends_at_the_total(house: House) -> None:
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    assert (house.heard[-1].done, house.heard[-1].total) == (2, 2)


def test_a_crash_is_made_good_by_the_same_command(house: House, tmp_path: Path) -> None:
    documents = [text("tarn", LONG), text("oss", "A river.")]
    broken = Collection("documents", FailingEncoder(0), house.collection.index, house.settings.search)
    with pytest.raises(OperatorError):
        house.ingest(*documents, collection=broken)
    assert {entry.status for entry in house.ledger.documents("documents")} == {"indexing"}
    assert [outcome.chunks > 0 for outcome in house.ingest(*documents).outcomes] == [True, True]
    undisturbed = House(tmp_path / "other")
    undisturbed.ingest(*documents)
    assert house.points() == undisturbed.points()
    undisturbed.close()


def test_a_crash_while_updating_leaves_no_old_chunk_after_the_retry(house: House) -> None:
    house.ingest(text("tarn", LONG))
    broken = Collection("documents", FailingEncoder(0), house.collection.index, house.settings.search)
    with pytest.raises(OperatorError):
        house.ingest(text("tarn", "A pond."), collection=broken)
    house.ingest(text("tarn", "A pond."))
    assert house.found("tarn ferry pond lake") == ["A pond."]


def test_an_id_that_comes_twice_counts_once(house: House) -> None:
    report = house.ingest(text("tarn", "First."), text("tarn", "Second."))
    assert statuses(report) == ["added", "failed"]
    assert house.ledger.document("documents", "tarn").text == "First."


def test_an_id_of_another_source_is_not_overwritten(house: House) -> None:
    house.ingest(text("tarn", "First."))
    report = house.ingest(Document("tarn", "Tarn", "Second.", "elsewhere.txt"))
    assert statuses(report) == ["failed"]
    assert "tarn.txt" in (report.outcomes[0].reason or "")


def test_deleting_removes_document_and_chunks(house: House) -> None:
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    assert delete_documents(["tarn"], collection=house.collection, ledger=house.ledger) == 1
    assert house.found("tarn ferry river") == ["A river."]
    with pytest.raises(NotFound):
        house.ledger.document("documents", "tarn")


def test_an_unknown_id_deletes_nothing(house: House) -> None:
    house.ingest(text("oss", "A river."))
    with pytest.raises(NotFound, match="'tarn'"):
        delete_documents(["oss", "tarn"], collection=house.collection, ledger=house.ledger)
    assert house.found("river") == ["A river."]


def test_a_bad_file_does_not_stop_the_others(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"\xff\xfe\xff")
    (folder / "below" / "b.md").write_text("# B\n\nA river.", encoding="utf-8")
    (folder / "c.txt").touch()
    (folder / ".hidden.md").write_text("hidden", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"png")
    report = house.ingest_files(folder)
    assert {Path(o.source).name: o.status for o in report.outcomes} == {
        "a.txt": "failed",
        "b.md": "added",
        "c.txt": "failed",
    }
    assert all(outcome.reason for outcome in report.outcomes if outcome.status == "failed")


def test_one_file_is_one_document_however_its_folder_is_written(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.md").write_text("A river.", encoding="utf-8")
    assert statuses(house.ingest_files(Path("in"))) == ["added"]
    assert statuses(house.ingest_files(Path("./in/"))) == ["unchanged"]


def test_a_missing_path_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("A river.", encoding="utf-8")
    with pytest.raises(UsageError, match=r"absent\.md"):
        find_files([tmp_path / "a.md", tmp_path / "absent.md"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="Nothing to ingest"):
        find_files([tmp_path / "empty"])


def test_an_upload_of_the_same_name_replaces(house: House) -> None:
    parts = {"collection": house.collection, "ledger": house.ledger, "settings": house.settings}
    assert statuses(ingest_upload("a.md", b"A river.", **parts)) == ["added"]  # type: ignore[arg-type] # mixed values
    assert statuses(ingest_upload("a.md", b"A pond.", **parts)) == ["updated"]  # type: ignore[arg-type] # mixed values
    assert house.found("river pond") == ["A pond."]


@pytest.mark.models
def test_the_samples_with_the_real_encoder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    encoder = open_encoder(settings)
    collection = open_collection(settings, encoder, create=True)
    with open_ledger(settings) as ledger:
        files = find_files([Path(__file__).parents[2] / "samples"])
        report = ingest_files(files, collection=collection, ledger=ledger, settings=settings)
    [hits] = collection.search(["Who keeps the lighthouse?"], limit=200, hops=False)
    collection.close()
    assert {outcome.status for outcome in report.outcomes} == {"added"}
    assert "lighthouse" in hits[0].chunk.text.lower()
    sizes = encoder.count_tokens([f"{hit.chunk.title}\n{hit.chunk.text}" for hit in hits])
    assert max(sizes) <= settings.chunking.max_tokens <= encoder.max_tokens
