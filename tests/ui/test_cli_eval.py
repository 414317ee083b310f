"""`hopcite eval compare` and `hopcite eval report` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evals.folders import record, write_run
from tests.evals.test_calibrate import overconfident
from tests.ui.test_cli import hopcite, refused


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder that holds run a, and run b which gets all ten questions right that a gets wrong."""
    for name, em in (("a", 0.0), ("b", 1.0)):
        write_run(tmp_path / name, [record(f"q{n}", scores={"em": em}) for n in range(10)], system=name)
    return tmp_path


def test_compare_says_which_is_better(runs: Path) -> None:
    done = hopcite("eval", "compare", "a", "b", folder=runs)
    assert (done.status, done.err) == (0, "")
    assert "10 questions in both runs" in done.out
    assert "B better" in done.out


def test_compare_as_json_is_one_document(runs: Path) -> None:
    done = hopcite("eval", "compare", "a", "b", "--json", folder=runs)
    found = json.loads(done.out)
    assert (found["scores"]["em"]["verdict"], found["questions"], len(found["flips"]["to_b"])) == ("B better", 10, 10)


def test_calibrate_shows_a_table_and_keeps_what_it_fitted(tmp_path: Path) -> None:
    write_run(tmp_path / "a", overconfident())
    done = hopcite("eval", "calibrate", "a", folder=tmp_path, HOPCITE_DATA_DIR="d")
    assert (done.status, done.err) == (0, "")
    assert "| calibrated, on answers held out |" in done.out
    assert "Kept in d/calibration.json" in done.out
    kept = (tmp_path / "d" / "calibration.json").read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["calibration.json"]
    done = hopcite("eval", "calibrate", "a", "--json", folder=tmp_path, HOPCITE_DATA_DIR="d")
    assert json.loads(done.out)["calibration"] == json.loads(kept)


def test_a_wrong_calibration_is_one_line_and_keeps_nothing(runs: Path) -> None:
    write_run(runs / "few", overconfident(6))
    write_run(runs / "unknown", [record(f"q{n}") for n in range(20)], dataset="custom")
    write_run(runs / "right", [record(f"q{n}", scores={"em": 1.0}) for n in range(3)])
    for folders, words in (
        (["absent"], "no folder absent"),
        (["few"], "6 answers"),
        (["unknown"], "`answer`"),
        (["right"], "no signals"),
        (["few", "a"], "no signals"),
    ):
        refused(hopcite("eval", "calibrate", *folders, folder=runs, HOPCITE_DATA_DIR="d"), 2, words)
    assert not (runs / "d").exists()


def test_report_writes_the_page_and_names_it(runs: Path) -> None:
    done = hopcite("eval", "report", "a", "b", "--html", "r.html", folder=runs)
    assert (done.status, done.out, done.err) == (0, "r.html\n", "")
    assert (runs / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_wrong_report_is_one_line_and_writes_nothing(runs: Path) -> None:
    write_run(runs / "other", [record("q1", scores={"em": 1.0})], dataset="musique")
    write_run(runs / "empty", [])
    before = sorted(path.name for path in runs.iterdir())
    for folder, target, words in (
        ("absent", "r.html", "no folder absent"),
        ("other", "r.html", "musique"),
        ("empty", "r.html", "no records"),
        ("b", "absent/r.html", "--html"),
        ("b", "a", "--html"),
    ):
        refused(hopcite("eval", "report", "a", folder, "--html", target, folder=runs), 2, words)
    assert sorted(path.name for path in runs.iterdir()) == before


def test_a_folder_that_may_not_be_written_is_named(runs: Path) -> None:
    target = Path("/proc/r.html")
    if not target.parent.is_dir():
        pytest.skip("needs /proc, where nobody may write")
    refused(hopcite("eval", "report", "a", "--html", str(target), folder=runs), 2, str(target), "--html")


def test_attacks_name_the_kinds_that_there_are(tmp_path: Path) -> None:
    done = hopcite("eval", "attacks", "--kinds", "order,absent", folder=tmp_path)
    refused(done, 2, "'absent'", "order, role, tokens")
    refused(hopcite("eval", "attacks", "--limit", "0", folder=tmp_path), 2, "--limit")
    refused(hopcite("eval", "attacks", "--mode", "absent", folder=tmp_path), 2, "'--mode': 'absent' is not one of")
