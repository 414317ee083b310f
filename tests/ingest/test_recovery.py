"""After a crash or a loss, the same command gives the index of an undisturbed run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hopcite.errors import OperatorError
from ingest import Ledger, delete_documents
from retrieval import Collection, drop_collection
from retrieval.index.port import Vectors
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
    house.ingest(text("tarn", LONG), text("oss", "A river."))
    assert house.points() == before
