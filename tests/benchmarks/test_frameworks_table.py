"""The table of several systems, with figures that can be worked out by hand."""

from __future__ import annotations

from benchmarks.frameworks_table import render
from evals.records import Record


def record(id_: str, score: float, seconds: float, *, failure: str | None = None) -> Record:
    return {
        "id": id_,
        "scores": {"em": score, "f1": score},
        "usage": {
            "llm_calls": 2,
            "prompt_tokens": 1500,
            "completion_tokens": 40,
            "ms": {"total": 2000 * seconds},
            "processor_s": seconds,
        },
        "failure": failure,
    }


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_system_is_shown_on_the_questions_of_all_and_beside_the_baseline() -> None:
    ours = [record(str(n), 1.0, 10.0) for n in range(4)]
    theirs = [record(str(n), 0.0, 30.0, failure="no JSON" if n == 3 else None) for n in reversed(range(4))]
    theirs += [record("asked of this one only", 1.0, 500.0)]
    first, _, head, rule, *rows = render({"theirs": theirs, "ours": ours}, baseline="ours").splitlines()
    assert first == "4 questions that all have"
    assert len(cells(head)) == len(cells(rule)) == len(cells(rows[0])) == len(cells(rows[1]))
    whole, none = "100.0 (100.0 to 100.0)", "0.0 (0.0 to 0.0)"
    assert cells(rows[0]) == ["ours", whole, whole, "", "2.0", "1,500", "40", "20.0", "20.0", "10.0", "", "0"]
    assert cells(rows[1]) == [
        *("theirs", none, none, "-100.0 (-100.0 to -100.0)"),
        *("2.0", "1,500", "40", "60.0", "60.0", "30.0", "+20.0 (+20.0 to +20.0)", "1"),
    ]


def test_a_system_alone_has_nothing_to_stand_beside() -> None:
    *_, row = render({"theirs": [record("1", 1.0, 3.0)]}, baseline="ours").splitlines()
    assert cells(row)[3] == cells(row)[-2] == ""
