"""The run folder: what a full disk, another version or a foreign hand leaves of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.records import open_run, read_records
from hopcite.errors import NoSpace, OperatorError, UsageError

MANIFEST: dict[str, Any] = {"identity": {"format": 2}, "settings": {}, "started": "now", "resumed": []}


def record(id_: str) -> dict[str, Any]:
    return {"id": id_, "error": None, "scores": {}}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_leaves_the_earlier_records_as_they_were(tmp_path: Path) -> None:
    with open_run(tmp_path / "run", MANIFEST) as folder:
        folder.append(record("q1"))
        lines = tmp_path / "run" / "records.jsonl"
        kept = lines.rename(tmp_path / "kept")
        lines.symlink_to("/dev/full")
        with pytest.raises(NoSpace, match=r"records\.jsonl is full; free some space"):
            folder.append(record("q2"))
        lines.unlink()
        kept.rename(lines)
        assert [line["id"] for line in read_records(tmp_path / "run")] == ["q1"] == [r["id"] for r in folder.records]
    with open_run(tmp_path / "run", MANIFEST) as folder:
        folder.append(record("q2"))
    assert len(read_records(tmp_path / "run")) == 2


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """A write that would make a file longer than `size` bytes writes as much as there is room for, then fails."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_that_was_half_written_is_cut_off(tmp_path: Path) -> None:
    with open_run(tmp_path, MANIFEST) as folder:
        folder.append(record("q1"))
        lines = tmp_path / "records.jsonl"
        before = lines.read_bytes()
        with room_for(len(before) + 10), pytest.raises(OperatorError, match=r"records\.jsonl cannot be written"):
            folder.append(record("q2"))
        assert lines.read_bytes() == before
        folder.append(record("q3"))
    assert [line["id"] for line in read_records(tmp_path)] == ["q1", "q3"]


def test_a_run_that_could_not_write_its_manifest_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    with room_for(10), pytest.raises(OperatorError, match=r"manifest\.json cannot be written"):
        open_run(tmp_path / "run", MANIFEST)
    assert not (tmp_path / "run" / "manifest.json.new").exists()
    (tmp_path / "run" / "manifest.json.new").write_bytes(b'{"half')  # as a kill leaves it
    with open_run(tmp_path / "run", MANIFEST) as folder:
        assert folder.records == []


def test_a_folder_is_written_to_by_one_run_at_a_time(tmp_path: Path) -> None:
    with open_run(tmp_path, MANIFEST) as folder:
        folder.append(record("q1"))
        with pytest.raises(UsageError, match=f"Another process is writing to {tmp_path}; wait for it, or choose"):
            open_run(tmp_path, MANIFEST)
        folder.append(record("q2"))
    with open_run(tmp_path, MANIFEST) as folder:
        assert [r["id"] for r in folder.records] == ["q1", "q2"]


def test_only_failures_that_are_about_to_be_tried_again_are_taken_out(tmp_path: Path) -> None:
    with open_run(tmp_path, MANIFEST) as folder:
        for id_ in ("q1", "q2"):
            folder.append({**record(id_), "error": "WorkFailed: Garbled."})
    with open_run(tmp_path, MANIFEST, retry={"q1"}) as folder:
        assert [r["id"] for r in folder.records] == ["q2"] == [r["id"] for r in read_records(tmp_path)]


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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "records.jsonl"]


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="no run folder; choose another --out"):
        open_run(tmp_path, MANIFEST)
