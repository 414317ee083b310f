"""Documents into the index: once, wholly, and nothing of what was before."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hopcite.errors import DataFolderBusy, NotFound, UsageError
from hopcite.settings import Settings
from hopcite.types import Document
from ingest import (
    Ledger,
    delete_documents,
    find_files,
    ingest_files,
    ingest_upload,
    open_ledger,
)
from retrieval import Collection, open_collection, open_encoder
from retrieval.index.port import Vectors
from tests.fakes import HashingEncoder
from tests.ingest.house import LONG, House, statuses, text


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


def test_progress_moves_within_a_batch_and_ends_at_the_total(house: House) -> None:
    documents = [text(f"tarn{n}", LONG) for n in range(600)]  # more chunks than are encoded at once
    house.ingest(*documents)
    done = [now.done for now in house.heard]
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] == 600
    assert {now.total for now in house.heard} == {600}
    house.ingest(*documents)
    assert (house.heard[-1].done, house.heard[-1].total) == (600, 600)


class InterruptedEncoder(HashingEncoder):
    """Something else happens before it encodes."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile = meanwhile

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        self.meanwhile()
        return super().encode_documents(texts, progress=progress)


def test_of_two_writers_of_one_document_the_later_has_it_wholly(house: House) -> None:
    """The document is in nobody's ledger when the first writer looks, and so the second one's is when it writes."""
    other = InterruptedEncoder(lambda: house.ingest(text("tarn", LONG)))
    first = Collection("documents", other, house.collection.index, house.settings.search)
    house.ingest(text("tarn", "A pond."), collection=first)
    [entry] = house.ledger.documents("documents")
    assert (entry.status, entry.chunks) == ("ready", 1)
    assert house.ledger.document("documents", "tarn").text == "A pond."
    assert [chunk.text for chunk in house.points().values()] == ["A pond."]
    assert statuses(house.ingest(text("tarn", LONG))) == ["updated"]
    assert "A pond." not in house.found("tarn pond lake ferry")


def test_a_collection_that_another_process_is_writing_is_busy_and_left_alone(house: House) -> None:
    house.ingest(text("tarn", LONG))
    before = house.points()
    path = house.settings.data_dir / "ledger.sqlite"
    with Ledger(path, timeout_s=0.01) as ledger, house.ledger.writing("documents"):
        with pytest.raises(DataFolderBusy, match=r"'documents' is being written.*run the same command again"):
            delete_documents(["tarn"], collection=house.collection, ledger=ledger)
        parts = {"collection": house.collection, "ledger": ledger, "settings": house.settings}
        with pytest.raises(DataFolderBusy):
            ingest_upload("tarn.txt", b"A pond.", **parts)  # type: ignore[arg-type] # mixed values
    assert house.points() == before
    assert statuses(house.ingest(text("tarn", "A pond."))) == ["updated"]


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


def test_every_kind_of_bad_file_is_one_clear_line_and_the_good_ones_are_there(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.md").write_text("A river.", encoding="utf-8")
    (folder / "gone.md").touch()
    (folder / "records.jsonl").write_text('{"text": "A pond."}\nno\n{"text": "\\ud800"}\n', encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7")
    (folder / "broken.docx").write_bytes(b"PK")
    (folder / "broken.jsonl.gz").write_bytes(b"\x1f\x8b")
    named = folder / "picture.png"
    named.write_bytes(b"png")
    files = find_files([folder, named])
    (folder / "gone.md").unlink()
    report = ingest_files(files, collection=house.collection, ledger=house.ledger, settings=house.settings)
    failed = {Path(o.source).name: o.reason or "" for o in report.outcomes if o.status == "failed"}
    assert sorted(failed) == [
        "broken.docx",
        "broken.jsonl.gz",
        "broken.pdf",
        "gone.md",
        "picture.png",
        "records.jsonl#2",
        "records.jsonl#3",
    ]
    assert all(reason and "\n" not in reason for reason in failed.values())
    assert "cannot be opened" in failed["gone.md"]
    assert "surrogate" in failed["records.jsonl#3"]
    assert sorted(house.found("river pond")) == ["A pond.", "A river."]


def test_a_record_may_move_to_another_line(house: House, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": "tarn", "text": "A lake."}', encoding="utf-8")
    house.ingest_files(file)
    file.write_text('{"id": "oss", "text": "A river."}\n{"id": "tarn", "text": "A lake."}', encoding="utf-8")
    assert statuses(house.ingest_files(file)) == ["added", "updated"]
    assert {chunk.source for chunk in house.points().values()} == {f"{file.as_posix()}#1", f"{file.as_posix()}#2"}


def test_a_line_that_is_gone_from_its_file_is_no_longer_found(house: House, tmp_path: Path) -> None:
    file, other = tmp_path / "records.jsonl", tmp_path / "other.jsonl"
    other.write_text('{"text": "A bog."}', encoding="utf-8")
    file.write_text('{"text": "A lake."}\n{"id": "own", "text": "A dune."}\n{"text": "A river."}', encoding="utf-8")
    house.ingest_files(file, other)
    file.write_text('{"text": "A river."}\nno\n', encoding="utf-8")
    assert statuses(house.ingest_files(file)) == ["updated", "failed"]
    # A record with an id of its own may as well have moved to another file.
    assert sorted(house.found("river lake bog dune")) == ["A bog.", "A dune.", "A river."]
    file.write_text("", encoding="utf-8")
    assert statuses(house.ingest_files(file)) == ["failed"]
    assert {entry.id for entry in house.ledger.documents("documents")} == {
        f"{file.as_posix()}#1",
        f"{other.as_posix()}#1",
        "own",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_file_name_that_is_no_unicode_is_stored_escaped(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder / "caf") + b"\xe9.md")).write_text("A river.", encoding="utf-8")
    report = house.ingest_files(folder)
    assert statuses(report) == ["added"]
    assert report.outcomes[0].source.endswith(r"caf\xe9.md")


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
    with pytest.raises(UsageError, match="cannot be read"):
        find_files([tmp_path / ("a" * 5000)])
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden.md").write_text("A river.", encoding="utf-8")
    with pytest.raises(UsageError, match="Nothing to ingest"):
        find_files([tmp_path / "empty"])


def test_links_in_a_circle_and_closed_folders_do_not_stop_the_others(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    closed = folder / "closed"
    closed.mkdir(parents=True)
    (folder / "a.md").write_text("A river.", encoding="utf-8")
    (folder / "up").symlink_to(folder)
    closed.chmod(0)
    try:
        found = find_files([folder])
        readable = os.access(closed, os.R_OK)  # everything is, for the superuser
        assert found == [folder / "a.md"] if readable else [folder / "a.md", closed]
        outcomes = {outcome.source: outcome.status for outcome in house.ingest_files(folder).outcomes}
        assert outcomes[(folder / "a.md").as_posix()] == "added"
        assert readable or outcomes[closed.as_posix()] == "failed"
    finally:
        closed.chmod(0o700)


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
    [hits] = collection.search(["Who keeps the lighthouse?"], limit=1, hops=False)
    chunks = list(collection.index.scroll())
    collection.close()
    assert {outcome.status for outcome in report.outcomes} == {"added"}
    assert "lighthouse" in hits[0].chunk.text.lower()
    assert len(chunks) == sum(outcome.chunks for outcome in report.outcomes) > len(report.outcomes)
    sizes = encoder.count_tokens([f"{chunk.title}\n{chunk.text}" for chunk in chunks])
    assert max(sizes) <= settings.chunking.max_tokens <= encoder.max_tokens
