"""The ledger's own errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hopcite.errors import NotFound, OperatorError
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
