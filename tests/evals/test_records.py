"""The run folder: what a full disk, another version or a foreign hand leaves of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.records import open_run, read_records
from hopcite.errors import NoSpace, UsageError

MANIFEST: dict[str, Any] = {"identity": {"format": 2}, "settings": {}, "started": "now", "resumed": []}


def record(id_: str) -> dict[str, Any]:
    return {"id": id_, "error": None, "scores": {}}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_leaves_the_earlier_records_as_they_were(tmp_path: Path) -> None:
    folder = open_run(tmp_path / "run", MANIFEST)
    folder.append(record("q1"))
    lines = tmp_path / "run" / "records.jsonl"
    kept = lines.rename(tmp_path / "kept")
    lines.symlink_to("/dev/full")
    with pytest.raises(NoSpace, match=r"records\.jsonl is full; free some space"):
        folder.append(record("q2"))
    lines.unlink()
    kept.rename(lines)
    assert [line["id"] for line in read_records(tmp_path / "run")] == ["q1"] == [r["id"] for r in folder.records]
    open_run(tmp_path / "run", MANIFEST).append(record("q2"))
    assert len(read_records(tmp_path / "run")) == 2


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({**MANIFEST, "identity": {"format": 1}}, "format: 1, now 2"),
        ({"identity": {}}, "no manifest of this version"),
        ([], "no manifest of this version"),
    ],
)
def test_a_folder_of_another_version_is_refused_and_left_alone(tmp_path: Path, manifest: object, words: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "records.jsonl").write_text("whatever\n", encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        open_run(tmp_path, MANIFEST)
    assert (tmp_path / "records.jsonl").read_text(encoding="utf-8") == "whatever\n"


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="no run folder; choose another --out"):
        open_run(tmp_path, MANIFEST)
