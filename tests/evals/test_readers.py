"""Runs as the runner writes them, read by the comparison, the losses and the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals import RunRequest
from evals.compare import compare_folders, comparison_json
from evals.losses import losses_of
from evals.reading import read_runs
from evals.report import write_report
from evals.report.questions import questions
from tests.evals.parts import REPLIES, run, write_data


def test_what_the_runner_writes_is_read(tmp_path: Path) -> None:
    request = RunRequest(
        "hotpotqa", data=write_data(tmp_path / "data"), system="hybrid", out=tmp_path / "a", cache=False
    )
    a = run(request, tmp_path, *REPLIES.values()).folder
    known = "Answer: yes\nTarn is a lake [1]."
    b = run(replace(request, system="hops", out=tmp_path / "b"), tmp_path, REPLIES["q1"], REPLIES["q2"], known).folder

    found = comparison_json(compare_folders(a, b))
    assert found["scores"]["em"]["difference"] == 1 / 3
    assert found["settings"][0] == 'system: "hybrid", now "hops"'
    [flip] = found["flips"]["to_b"]
    assert (flip["id"], flip["a"]["short_answer"], flip["b"]["short_answer"]) == ("q3", "no", "yes")
    assert [event["node"] for event in flip["b"]["trace"]] == ["search", "rerank", "write", "verify"]

    runs = read_runs([a, b])
    counts = {fate: n for fate, n in losses_of(runs[0]).items() if n}
    assert counts == {"found": 3, "not indexed": 1}
    [first, *_] = questions(runs)["questions"]
    assert any(was_shown for *_, was_shown in first["runs"][0]["evidence"]), "the trace tells what the writer read"
    assert write_report([a, b], tmp_path / "report.html").stat().st_size > 10_000
