"""After a crash or a loss, the same command gives the index of an undisturbed run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from qdrant_client import QdrantClient

from hopcite.errors import OperatorError
from hopcite.settings import QdrantSettings, Settings
from hopcite.types import Document
from ingest import Ledger, delete_documents, ingest_documents, open_ledger
from retrieval import Collection, drop_collection
from retrieval.index.port import Index, Point, Vectors
from retrieval.index.server import open_server
from retrieval.index.stored import Record
from tests.fakes import HashingEncoder
from tests.ingest.house import LONG, House, statuses, text


class FailingEncoder(HashingEncoder):
    """Breaks down at the call after `calls` good ones."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        if self.calls == 0:
            raise OperatorError("The encoder broke down.")
        self.calls -= 1
        return super().encode_documents(texts, progress=progress)


class FailingLedger(Ledger):
    """Cannot forget a document."""

    def remove(self, collection: str, document_ids: Sequence[str]) -> None:
        raise OperatorError("The disk broke down.")


class Countdown:
    """Breaks down at the step after `steps` good ones."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        if self.steps == 0:
            raise OperatorError("The power failed.")
        self.steps -= 1


class CountingLedger(Ledger):
    def __init__(self, path: Path, countdown: Countdown) -> None:
        super().__init__(path)
        self.countdown = countdown

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.countdown.step()
        with super()._transaction():
            yield


class CountingIndex:
    """An index whose writes are steps."""

    def __init__(self, index: Index, countdown: Countdown) -> None:
        self.index = index
        self.countdown = countdown

    def count(self) -> int:
        return self.index.count()

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        self.countdown.step()
        self.index.delete_documents(document_ids)

    def upsert(self, points: Sequence[Point]) -> None:
        self.countdown.step()
        self.index.upsert(points)


def assert_no_chunk_is_of_another_text(house: House) -> None:
    for chunk in house.points().values():
        stored = house.ledger.document("documents", chunk.document_id).text
        assert stored[chunk.start : chunk.end] == chunk.text


# begin, unfinish, delete, store, upsert, finish
@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("after", ["A pond.", LONG.replace("deep", "very deep")])  # in the second, a chunk only moves
def test_a_crash_at_any_step_leaves_no_chunk_of_another_text(
    house: House, tmp_path: Path, steps: int, after: str
) -> None:
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    new = [text("tarn", after), text("oss", "A stream.")]
    countdown = Countdown(steps)
    index = cast("Index", CountingIndex(house.collection.index, countdown))
    breaking = Collection("documents", HashingEncoder(), index, house.settings.search)
    with CountingLedger(house.settings.data_dir / "ledger.sqlite", countdown) as ledger, pytest.raises(OperatorError):
        ingest_documents(new, collection=breaking, ledger=ledger, settings=house.settings)
    assert_no_chunk_is_of_another_text(house)
    house.ingest(*new)
    undisturbed = House(tmp_path / "other")
    undisturbed.ingest(*new)
    assert house.points() == undisturbed.points()
    undisturbed.close()


class WatchingEncoder(HashingEncoder):
    """Looks around whenever it is asked to encode."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.look = look

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        self.look()
        return super().encode_documents(texts, progress=progress)


def test_while_new_texts_are_encoded_the_old_ones_are_searched_and_stored(house: House) -> None:
    old = [text(f"tarn{n}", LONG) for n in range(600)]  # more chunks than are encoded at once
    house.ingest(*old)
    seen: list[int] = []

    def look() -> None:
        assert_no_chunk_is_of_another_text(house)
        seen.append(sum("nine" in chunk.text for chunk in house.points().values()))

    watched = Collection("documents", WatchingEncoder(look), house.collection.index, house.settings.search)
    house.ingest(*(text(f"tarn{n}", LONG.replace("nine", "ten")) for n in range(600)), collection=watched)
    assert seen == [600, 600 - 1024 // 2]
    assert [entry.status for entry in house.ledger.documents("documents")] == ["ready"] * 600


def test_a_document_that_is_encoded_in_several_slices_never_mixes_its_texts(house: House) -> None:
    def version(word: str) -> Document:
        return text("long", " ".join(f"Sentence {n} of the {word} version is as long as this." for n in range(1100)))

    def look() -> None:
        assert_no_chunk_is_of_another_text(house)

    watched = Collection("documents", WatchingEncoder(look), house.collection.index, house.settings.search)
    house.ingest(version("first"))
    assert house.collection.index.count() == 1100
    house.ingest(version("last"), collection=watched)
    assert house.collection.index.count() == 1100
    assert_no_chunk_is_of_another_text(house)


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


def test_a_crash_in_the_middle_of_a_batch_and_a_retry_give_the_index_of_an_undisturbed_run(
    house: House, tmp_path: Path
) -> None:
    before = [text(f"tarn{n}", LONG) for n in range(600)]
    after = [text(f"tarn{n}", LONG.replace("nine", str(n))) for n in range(600)]
    house.ingest(*before[:50])  # leaves 1,100 chunks: the second slice of them is never written
    broken = Collection("documents", FailingEncoder(1), house.collection.index, house.settings.search)
    with pytest.raises(OperatorError):
        house.ingest(*before, collection=broken)
    broken_again = Collection("documents", FailingEncoder(1), house.collection.index, house.settings.search)
    with pytest.raises(OperatorError):
        house.ingest(*after, collection=broken_again)
    house.ingest(*after)
    undisturbed = House(tmp_path / "other")
    undisturbed.ingest(*after)
    assert house.points() == undisturbed.points()
    assert [(e.id, e.status, e.chunks, e.digest) for e in house.ledger.documents("documents")] == [
        (e.id, e.status, e.chunks, e.digest) for e in undisturbed.ledger.documents("documents")
    ]
    undisturbed.close()


def test_a_crash_while_updating_leaves_no_old_chunk_after_the_retry(house: House) -> None:
    house.ingest(text("tarn", LONG))
    broken = Collection("documents", FailingEncoder(0), house.collection.index, house.settings.search)
    with pytest.raises(OperatorError):
        house.ingest(text("tarn", "A pond."), collection=broken)
    house.ingest(text("tarn", "A pond."))
    assert house.found("tarn ferry pond lake") == ["A pond."]


def test_a_crash_while_deleting_is_made_good_by_either_command(house: House) -> None:
    house.ingest(text("tarn", LONG))
    before = house.points()
    with FailingLedger(house.settings.data_dir / "ledger.sqlite") as failing, pytest.raises(OperatorError):
        delete_documents(["tarn"], collection=house.collection, ledger=failing)
    assert [entry.status for entry in house.ledger.documents("documents")] == ["indexing"]
    assert statuses(house.ingest(text("tarn", LONG))) == ["updated"]
    assert house.points() == before
    assert delete_documents(["tarn", "tarn"], collection=house.collection, ledger=house.ledger) == 1
    assert house.points() == {}


def test_an_index_that_was_lost_is_filled_again(house: House) -> None:
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    before = house.points()
    house.collection.close()
    drop_collection(house.settings, "documents")
    house.reopen()
    assert statuses(house.ingest(text("oss", "A river."))) == ["updated"]
    assert {entry.id: entry.status for entry in house.ledger.documents("documents")} == {
        "oss": "ready",
        "tarn": "indexing",
    }
    assert statuses(house.ingest(text("tarn", LONG), text("oss", "A river."))) == ["updated", "unchanged"]
    assert house.points() == before


def test_after_the_ledger_was_lost_nothing_is_searched_that_it_does_not_know(house: House, tmp_path: Path) -> None:
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    new = House(tmp_path / "new")  # its ledger is empty
    new.ingest(text("pond", "A pond."), collection=house.collection)
    assert [chunk.text for chunk in house.points().values()] == ["A pond."]
    assert [(entry.id, entry.status, entry.chunks) for entry in new.ledger.documents("documents")] == [
        ("pond", "ready", 1)
    ]
    new.close()


def test_after_an_older_ledger_was_restored_nothing_is_searched_that_it_does_not_hold(
    house: House, tmp_path: Path
) -> None:
    path, copy = house.settings.data_dir / "ledger.sqlite", tmp_path / "copy.sqlite"
    house.ingest(text("tarn", "A pond."), text("oss", "A river."), text("mire", "A bog."))
    house.ledger.close()
    shutil.copy(path, copy)
    house.ledger = Ledger(path)
    house.ingest(text("tarn", LONG), text("dune", "A dune."))
    house.ledger.close()
    shutil.copy(copy, path)
    house.ledger = Ledger(path)
    assert statuses(house.ingest(text("oss", "A river."))) == ["unchanged"]
    assert sorted(chunk.text for chunk in house.points().values()) == ["A bog.", "A river."]
    assert [(entry.id, entry.status, entry.chunks) for entry in house.ledger.documents("documents")] == [
        ("mire", "ready", 1),
        ("oss", "ready", 1),
        ("tarn", "indexing", 0),
    ]
    assert statuses(house.ingest(text("tarn", "A pond."))) == ["updated"]
    assert sorted(chunk.text for chunk in house.points().values()) == ["A bog.", "A pond.", "A river."]


def test_what_another_data_folder_has_on_a_server_stays(house: House, tmp_path: Path) -> None:
    client = QdrantClient(":memory:")
    record = Record("hashing-64", 64)
    index = open_server(client, "documents", record, url=":memory:", create=True, prefetch=100, rrf_k=60)
    assert index is not None
    shared = Collection("documents", HashingEncoder(), index, house.settings.search)
    for name in ("first", "second", "third"):
        settings = Settings(data_dir=tmp_path / name, qdrant=QdrantSettings(url="http://127.0.0.1:6333"))
        with open_ledger(settings) as ledger:
            ingest_documents([text(name, "A pond.")], collection=shared, ledger=ledger, settings=settings)
    assert sorted(chunk.document_id for chunk in index.scroll()) == ["first", "second", "third"]
    client.close()
