"""The report's page: whole, self-contained, and safe with whatever the questions hold."""

from __future__ import annotations

import base64
import gzip
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evals.reading import read_runs
from evals.report import render_report, write_report
from evals.report.confidence import wilson
from evals.report.figures import figures, found_share
from evals.report.questions import Detail, _event, packed_questions, questions
from evals.report.tables import Spread, differing_settings, measures
from hopcite.errors import UsageError
from tests.evals.folders import record, write_run

TRAP = "</script><script>window.trapped = 1</script><img src=x onerror='window.trapped = 1'> & \ud800"


def scored(id_: str, em: float, **fields: Any) -> dict[str, Any]:
    scores: dict[str, float | None] = {"em": em, "f1": em, "recall@2": 0.5, "recall@5": 1.0, "all_evidence@5": 1.0}
    return record(id_, scores=scores, evidence=["a1", "b1", "c1"], gold=[["a"], ["c"]], **fields)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two runs over four questions, one of them failed in the second run."""
    failed = {"error": "WorkFailed: Garbled.", "status": "unanswerable", "confidence": 0.0}
    first = [scored("q1", 1.0, confidence=0.9), *(scored(f"q{n}", 0.0, kind="comparison") for n in (2, 3, 4))]
    second = [scored("q1", 1.0), scored("q2", 1.0, kind="comparison"), scored("q3", 0.0), scored("q4", 0.0, **failed)]
    return [write_run(tmp_path / "a", first, system="hybrid"), write_run(tmp_path / "b", second, system="adaptive")]


def unpacked(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


class Links(HTMLParser):
    """Whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        assert tag != "link"


def test_the_page_holds_all_it_needs(folders: list[Path], tmp_path: Path) -> None:
    page = write_report(folders, tmp_path / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert all(link.startswith("#") for link in links.found), links.found
    assert not re.search(r"url\(|@import|https?://", page)
    assert [path.name for path in tmp_path.glob("report*")] == ["report.html"]


def test_the_page_names_runs_measures_and_failures(folders: list[Path]) -> None:
    page = render_report(read_runs(folders))
    for words in ("hotpotqa", "hybrid", "adaptive", "answer EM", "abacus, 2 cores", "small (dddddddd)", "1 failed",
                  "no difference shown", "answer.mode", "By type of question"):  # fmt: skip
        assert words in page, words


def test_texts_of_questions_titles_and_names_are_never_markup(tmp_path: Path) -> None:
    trapped = scored("q1", 1.0, kind=TRAP, question=TRAP, answer=TRAP, short_answer=TRAP)
    trapped["evidence"][0].update(title=TRAP, text=TRAP)
    trapped["gold"]["passages"] = [TRAP, TRAP]
    run = write_run(tmp_path / "run", [trapped, scored("q2", 0.0)], system=TRAP)
    page = write_report([run, run], tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script") == 2, "the page's own"
    assert "<img" not in page
    assert "&lt;img" in page, "the type and the system are told"
    [first, _] = unpacked(page)["questions"]
    assert first["question"].startswith("</script><script>")


def test_every_plot_has_axes_words_and_numbers(folders: list[Path]) -> None:
    drawn = {figure.id: figure for figure in figures(read_runs(folders))}
    assert set(drawn) == {"quality", "risk", "stages", "losses", "recall", "calibration"}
    for figure in drawn.values():
        assert figure.table.rows
        for _, svg in figure.panels:
            root = ET.fromstring(svg)
            assert root.get("role") == "img"
            assert "hybrid" in (root.get("aria-label") or "") or "adaptive" in (root.get("aria-label") or "")
            assert [text for text in root.iter("text") if text.get("class") == "axis"], figure.id
            numbers = [float(n) for n in re.findall(r'(?:x|y|cx|cy|width)="(-?[\d.]+)"', svg)]
            assert all(-1 <= n <= 400 for n in numbers), figure.id


def test_a_run_without_a_writer_has_no_answer_plots(tmp_path: Path) -> None:
    only = record("q1", scores={"recall@5": 1.0, "all_evidence@5": 1.0}, evidence=["a1"], gold=[["a"]])
    runs = read_runs([write_run(tmp_path / "run", [only], retrieval_only=True)])
    assert {figure.id for figure in figures(runs)} == {"quality", "stages", "losses", "recall"}
    assert "Compared with" not in render_report(runs)


def test_runs_of_different_questions_are_told_apart(folders: list[Path], tmp_path: Path) -> None:
    warning = "did not have the same questions"
    assert warning not in render_report(read_runs(folders))
    shorter = write_run(tmp_path / "c", [scored("q1", 1.0)], system="naive", status="running")
    page = render_report(read_runs([*folders, shorter]))
    assert warning in page
    assert "not finished" in page


def test_a_run_without_common_questions_is_listed_but_not_compared(folders: list[Path], tmp_path: Path) -> None:
    other = write_run(tmp_path / "c", [scored("q9", 1.0)], system="naive")
    page = render_report(read_runs([*folders, other]))
    assert "adaptive against hybrid" in page
    assert "naive against hybrid" not in page


def test_measures_come_with_intervals_and_counts(tmp_path: Path) -> None:
    records = [record("q1", scores={"em": 1.0, "x": None}), record("q2", scores={"em": 1.0, "x": 0.25})]
    table = measures(read_runs([write_run(tmp_path / "run", records)]))
    assert dict(table.rows) == {
        "answer EM": (Spread("100.0", "100.0 to 100.0"),),
        "x": (Spread("25.0", "25.0 to 25.0, of 1"),),
    }


def test_only_settings_that_differ_are_listed(folders: list[Path]) -> None:
    assert dict(differing_settings(read_runs(folders)).rows) == {
        "answer.mode": ("hybrid", "adaptive"),
        "system": ("hybrid", "adaptive"),
    }


def test_questions_carry_what_the_drill_down_shows(folders: list[Path]) -> None:
    data = questions(read_runs(folders))
    [first, *_, last] = data["questions"]
    assert [run["name"] for run in data["runs"]] == ["hybrid", "adaptive"]
    assert first["texts"] == [
        ["Title a", "Text of a1.", 1],
        ["Title b", "Text of b1.", 0],
        ["Title c", "Text of c1.", 1],
    ]
    assert first["runs"][0]["evidence"][2] == [2, 3, 0.3333, None, "q", 0], "texts by number; nothing reranked"
    assert first["runs"][0]["fates"] == ["ignored by the writer", "reranked out"]
    assert (last["runs"][1]["error"], last["runs"][1]["right"]) == ("WorkFailed: Garbled.", 0.0)


def test_losses_come_with_the_interval_of_their_questions(folders: list[Path]) -> None:
    # Of each question's two gold passages none is cited, but in one question both are.
    records = [scored(f"q{n}", 1.0) for n in range(4)]
    records[0]["citations"] = [{"document_id": "a"}, {"document_id": "c"}]
    run, closed = read_runs(
        [write_run(folders[0].parent / name, records, system=name) for name in ("rr", "closed-book")]
    )
    found = found_share(run)
    assert (found["mean"], found["low"]) == (0.25, 0.0)
    assert 0.5 <= found["high"] <= 0.75
    [losses] = [figure for figure in figures([run, closed]) if figure.id == "losses"]
    assert [row[0] for row in losses.table.rows] == ["rr"], "where nothing was searched, nothing was lost"
    assert questions([closed])["questions"][0]["runs"][0]["fates"] == []


def test_a_run_with_failed_questions_alone_is_told_and_not_drawn(tmp_path: Path) -> None:
    failed = [scored(f"q{n}", 0.0, error="WorkFailed: Garbled.", confidence=0.0) for n in range(3)]
    bad = write_run(tmp_path / "bad", failed, system="hybrid", status="running")
    good = write_run(tmp_path / "good", [scored(f"q{n}", 1.0) for n in range(3)])
    page = render_report(read_runs([bad, good]))
    assert "3 failed" in page
    assert "not finished" in page
    assert {figure.id for figure in figures(read_runs([bad]))} == {"losses", "recall"}
    render_report(read_runs([bad]))


def test_the_trace_is_told_without_what_every_question_shares() -> None:
    detail = {"stage": "write", "shown": ["a", "b"], "likelihood": 0.81113644, "notes": [], "signals": {"quoted": 1.0}}
    cut = Detail(10, 280, 300, 300)
    assert _event(detail, cut) == "shown 2 passages; likelihood 0.8111; signals quoted 1"


def test_texts_are_cut_to_the_budget(tmp_path: Path) -> None:
    many = [scored(f"q{n}", 1.0) for n in range(50)]
    for n, one in enumerate(many):
        for item in one["evidence"]:
            item["text"] = " ".join(f"{n * 7919 + k * 104729:x}" for k in range(60))
    runs = read_runs([write_run(tmp_path / "run", many)])
    whole = packed_questions(runs)
    cut = packed_questions(runs, budget=len(whole) - 1)
    assert len(cut) < len(whole)
    assert json.loads(gzip.decompress(base64.b64decode(cut)))["cut"] is True
    assert packed_questions(runs) == whole, "the same every time"


def test_the_wilson_interval() -> None:
    # 5 of 10: (0.5 + 0.19208) / 1.38416 ± 1.96 / 1.38416 * sqrt(0.025 + 0.009604)
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(1.0, 3)[1] == 1.0
    assert wilson(0.0, 3)[0] == 0.0


def test_a_target_that_cannot_be_written_leaves_nothing_behind(folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for target in (tmp_path / "folder", tmp_path / "absent" / "r.html", tmp_path / "file" / "r.html"):
        with pytest.raises(UsageError, match="--html"):
            write_report(folders, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "file", "folder"]


def test_a_bad_run_leaves_an_earlier_report_as_it_was(folders: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("earlier", encoding="utf-8")
    other = write_run(tmp_path / "other", [scored("q1", 1.0)], dataset="musique")
    with pytest.raises(UsageError, match="musique"):
        write_report([*folders, other], target)
    assert target.read_text(encoding="utf-8") == "earlier"
