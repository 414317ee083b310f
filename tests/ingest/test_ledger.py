"""The ledger's own errors."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hopcite.errors import DataFolderBusy, NoSpace, NotFound, OperatorError, UsageError
from hopcite.types import Document
from ingest import Ledger


def test_a_document_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    document = Document("ö/1", "Títle", "Text 🚂\n\nmore", "a.pdf", (0, 8), {"author": "Ægir"})
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.begin("c", [(document, "digest")])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.document("c", "ö/1") == document
        with pytest.raises(NotFound, match="docs list"):
            ledger.document("other", "ö/1")
        with pytest.raises(UsageError, match="UTF-8"):
            ledger.document("c", "\udce9")


def test_a_document_keeps_its_text_until_the_new_one_is_stored(tmp_path: Path) -> None:
    old, new = (Document("a", "A", words, "a.txt") for words in ("Old", "New"))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.begin("c", [(old, "1")])
        ledger.finish("c", [("a", "1", 3)])
        ledger.begin("c", [(new, "2")])
        [entry] = ledger.documents("c")
        assert (entry.status, entry.chunks, entry.digest) == ("indexing", 3, "1")
        assert ledger.document("c", "a") == old
        ledger.store("c", [(new, "2")])
        assert ledger.document("c", "a") == new
        ledger.finish("c", [("a", "1", 3)])  # another process's version, finished late
        assert [(entry.status, entry.chunks) for entry in ledger.documents("c")] == [("indexing", 0)]
        ledger.finish("c", [("a", "2", 1)])
        assert [(entry.status, entry.chunks) for entry in ledger.documents("c")] == [("ready", 1)]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database, " * 100)
    with pytest.raises(OperatorError, match=r"ledger\.sqlite is damaged"):
        Ledger(path)


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OperatorError, match="newer Hopcite"):
        Ledger(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="writable"):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def test_a_ledger_that_another_process_is_writing_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    document = Document("a", "A", "Text", "a.txt")
    other = sqlite3.connect(path, isolation_level=None)
    with Ledger(path, timeout_s=0.01) as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataFolderBusy, match="locked by another process"):
            ledger.begin("c", [(document, "digest")])
        with Ledger(path, timeout_s=0.01) as reader:
            assert reader.documents("c") == []
        other.execute("ROLLBACK")
        ledger.begin("c", [(document, "digest")])
        assert [entry.id for entry in ledger.documents("c")] == ["a"]
    other.close()


class SmallLedger(Ledger):
    """Its disk has 200 kB."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._db.execute("PRAGMA max_page_count = 50")


def test_a_full_disk_is_named_and_what_was_stored_before_stays(tmp_path: Path) -> None:
    small, large = Document("a", "A", "Text", "a.txt"), Document("b", "B", "x" * 300_000, "b.txt")
    with SmallLedger(tmp_path / "ledger.sqlite") as ledger:
        ledger.begin("c", [(small, "digest")])
        with pytest.raises(NoSpace, match="free some space"):
            ledger.begin("c", [(large, "digest")])
        assert [entry.id for entry in ledger.documents("c")] == ["a"]
        ledger.finish("c", [("a", "digest", 1)])
        assert [entry.status for entry in ledger.documents("c")] == ["ready"]


@pytest.mark.parametrize("shared", [True, False])
def test_two_threads_lose_nothing(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    first = Ledger(path)
    second = first if shared else Ledger(path)

    def write(ledger: Ledger, name: str) -> None:
        for n in range(50):
            ledger.begin("c", [(Document(f"{name}{n}", "T", "Text", "s"), "digest")])
            ledger.finish("c", [(f"{name}{n}", "digest", n)])
            assert ledger.document("c", f"{name}{n}").text == "Text"

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (first, second), ("a", "b")))
    entries = {entry.id: (entry.status, entry.chunks) for entry in first.documents("c")}
    first.close()
    second.close()
    assert entries == {f"{name}{n}": ("ready", n) for name in "ab" for n in range(50)}
