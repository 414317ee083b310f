"""Means, intervals and what is left out of them."""

from __future__ import annotations

from typing import Any

import pytest

from evals.summary import interval, render_summary, summarise


def record(kind: str, error: str | None = None, **scores: float | None) -> dict[str, Any]:
    ms = {"retrieve": 10.0, "total": 2000.0}
    usage = {"llm_calls": 3, "prompt_tokens": 100, "completion_tokens": 7, "ms": ms}
    return {
        "type": kind, "error": error, "status": "answered", "scores": scores, "usage": usage, "unlocated_sentences": 1,
        "confidence": 0.5,
    }  # fmt: skip


def test_a_measure_is_over_the_questions_that_have_it() -> None:
    summary = summarise([record("bridge", f1=1.0, x=None), record("bridge", f1=0.0, x=0.5), record("yes", f1=0.5)])
    assert summary["scores"]["f1"]["mean"] == 0.5
    assert (summary["scores"]["f1"]["n"], summary["scores"]["x"]["n"]) == (3, 1)
    assert summary["by_type"]["bridge"]["scores"]["f1"]["mean"] == 0.5
    for name in ("seconds", "seconds_p50", "seconds_p95"):
        assert summary["cost"][name] == {"retrieve": 0.01, "total": 2.0}
    assert summary["unlocated_sentences"] == 3


def test_a_failed_question_counts_as_zero_but_costs_nothing() -> None:
    summary = summarise([record("bridge", f1=1.0), record("bridge", error="Unreachable: x", f1=0.0)])
    assert (summary["errors"], summary["scores"]["f1"]["mean"]) == (1, 0.5)
    assert summary["cost"]["llm_calls"] == 3


def test_the_interval_is_that_of_the_mean() -> None:
    # 100 coins, half of them heads: the standard error of the mean is 0.05.
    found = interval([0.0, 1.0] * 50)
    assert found["mean"] == 0.5
    assert found["low"] == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert found["high"] == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert interval([0.25]) == {"mean": 0.25, "low": 0.25, "high": 0.25}
    assert interval([0.0, 1.0] * 50) == found, "the same every time"


def test_the_table_is_in_percent() -> None:
    summary = {"dataset": "d", "split": "test", "system": "s", "notes": [], **summarise([record("bridge", f1=0.25)])}
    text = render_summary(summary)
    assert "answer F1    25.0  25.0 to 25.0          1" in text
    assert max(map(len, text.splitlines())) <= 80


def test_confidence_is_judged_by_what_was_right() -> None:
    records = [{**record("x", em=em), "confidence": sure} for em, sure in ((1.0, 0.95), (1.0, 0.9), (0.0, 0.1))]
    found = summarise(records)["confidence"]
    # Risks at coverage 1/3, 2/3, 1 are 0, 0, 1/3; the last bin is right by 0.075 too little, the second wrong by 0.1.
    assert found["aurc"] == pytest.approx(1 / 9)
    assert found["ece"] == pytest.approx((2 * 0.075 + 0.1) / 3)
    assert summarise([record("x", None, **{"recall@5": 1.0})])["confidence"] == {}


def test_the_calibration_error_is_over_the_answers_that_were_given() -> None:
    declined = {**record("x", em=0.0), "status": "unanswerable", "confidence": 0.7}
    failed = {**record("x", error="WorkFailed: x", em=0.0), "confidence": 0.6}
    given = [{**record("x", em=em), "confidence": sure} for em, sure in ((1.0, 0.8), (0.0, 0.2))]
    found = summarise([declined, failed, *given])["confidence"]
    # Given: |1 - 0.8| and |0 - 0.2|. All: risks at coverage 1/4 to 4/4 are 0, 1/2, 2/3, 3/4, the other two being last.
    assert found == pytest.approx({"n": 4, "aurc": (0 + 1 / 2 + 2 / 3 + 3 / 4) / 4, "answers": 2, "ece": 0.2})


def test_stages_are_those_of_all_records() -> None:
    spent: list[dict[str, float]] = [{"total": 1000.0}, {"rerank": 4000.0, "total": 5000.0}, {"total": 3000.0}]
    records = [{**record("x"), "usage": {**record("x")["usage"], "ms": ms}} for ms in spent]
    summary = summarise(records)
    # Of 0, 0, 4: the 95th percentile lies 1.9 steps up, 0.9 of the way from 0 to 4. Of 1, 3, 5: from 3 to 5.
    assert summary["cost"]["seconds"] == pytest.approx({"rerank": 4 / 3, "total": 3.0})
    assert summary["cost"]["seconds_p50"] == pytest.approx({"rerank": 0.0, "total": 3.0})
    assert summary["cost"]["seconds_p95"] == pytest.approx({"rerank": 3.6, "total": 4.8})
    text = render_summary({"dataset": "d", "split": "test", "system": "s", "notes": [], **summary})
    assert "rerank    1.3       0         3.6" in text
