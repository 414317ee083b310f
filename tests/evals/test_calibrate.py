"""From run folders to `calibration.json`: what counts, what is refused, and what is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.calibration import FILE, Calibration, platt
from evals import RunRequest
from evals.calibrate import calibrate, calibrated_json
from evals.calibrate_text import render_calibrated
from evals.reading import calibrated, read_run
from evals.report import render_report
from hopcite.chat import Completion
from hopcite.errors import OperatorError, UsageError
from tests.evals.folders import record, write_run
from tests.evals.parts import records, run, write_data

CONDITIONS = {"llm": "small", "answer.mode": "adaptive"}


def answer(
    id_: str, likelihood: float | None, right: float | None, *, conditions: object = CONDITIONS, **fields: Any
) -> dict[str, Any]:
    """A record with signals; `supported` is 0.5 for all."""
    signals = {"likelihood": likelihood, "supported": 0.5, "quoted": None}
    trace = [
        {"node": "search", "ms": 1.0, "detail": {"stage": "retrieve"}},
        {"node": "verify", "ms": 1.0, "detail": {"stage": "verify", "signals": signals, "conditions": conditions}},
    ]
    scores: dict[str, float | None] = {} if right is None else {"em": right}
    return record(id_, scores=scores, trace=trace, **fields)


def overconfident(n: int = 40, **fields: Any) -> list[dict[str, Any]]:
    """Said 0.85 to 0.89, right in one of four; said 0.4 to 0.44, right in none."""
    sure = [answer(f"s{i}", 0.85 + 0.002 * i, float(i % 4 == 0), **fields) for i in range(n // 2)]
    unsure = [answer(f"u{i}", 0.4 + 0.002 * i, 0.0, **fields) for i in range(n // 2)]
    return sure + unsure


def without(name: str, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records of a run that is not of `hopcite eval run`: attacks have no `gold`, other frameworks no `status`."""
    return [{field: value for field, value in record.items() if field != name} for record in records]


def fitted(tmp_path: Path, records: Sequence[dict[str, Any]], **run: Any) -> Path:
    return write_run(tmp_path / "run", records, **run)


def test_a_confidence_that_says_too_much_is_put_right_and_kept(tmp_path: Path) -> None:
    found = calibrate([fitted(tmp_path, overconfident())], data_dir=tmp_path / "data")
    made = found.calibration
    assert (made.answers, made.right, made.measure, made.signal) == (40, 5, "em", "likelihood")
    assert made.before.ece == pytest.approx((20 * (0.869 - 0.25) + 20 * 0.419) / 40)
    assert made.after.ece < 0.1
    assert made.after.brier < made.before.brier
    assert found.better
    kept = Calibration.model_validate_json((tmp_path / "data" / FILE).read_bytes())
    assert kept == made
    assert kept.conditions == CONDITIONS
    assert found.one_for_all.brier == pytest.approx(1 / 8 * 7 / 8)


def test_a_confidence_that_is_right_already_is_left_alone(tmp_path: Path) -> None:
    records = [
        answer(f"q{i}{n}", said / 10, float(n < said)) for i in range(2) for said in (1, 5, 9) for n in range(10)
    ]
    found = calibrate([fitted(tmp_path, records)], data_dir=tmp_path)
    assert found.calibration.before.ece == pytest.approx(0, abs=1e-9)
    assert not found.better
    assert not (tmp_path / FILE).exists()
    assert "Not kept" in render_calibrated(found)


def test_one_that_is_no_better_leaves_the_earlier_one_whole(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("earlier", encoding="utf-8")
    records = [answer(f"q{said}{n}", said / 10, float(n < said)) for said in (1, 5, 9) for n in range(10)]
    assert not calibrate([fitted(tmp_path, records)], data_dir=tmp_path).better
    assert (tmp_path / FILE).read_text(encoding="utf-8") == "earlier"


def test_only_answers_that_were_given_and_can_be_judged_count(tmp_path: Path) -> None:
    more = [
        answer("declined", 0.9, 0.0, status="unanswerable"),
        answer("failed", 0.9, 0.0, error="WorkFailed: Garbled."),
        answer("unknown", 0.9, None),
        answer("no line", None, 1.0),
        answer("invented", 0.9, None) | {"gold": {"answers": [], "answerable": False}},
    ]
    found = calibrate([fitted(tmp_path, [*overconfident(), *more])], data_dir=tmp_path)
    assert found.calibration.answers == 41, "an answer to what the documents do not hold is a wrong one"
    assert found.calibration.right == 5
    assert found.left_out == {"declined": 1, "failed": 1, "no gold answer": 1, "likelihood not known": 1}


def test_without_log_probabilities_the_support_is_fitted(tmp_path: Path) -> None:
    records = [answer(f"q{n}", None, float(n < 5)) for n in range(40)]
    found = calibrate([fitted(tmp_path, records)], data_dir=tmp_path).calibration
    assert (found.signal, found.answers) == ("support", 40)
    assert found.before.ece == pytest.approx(0.5 - 1 / 8)


def test_runs_are_pooled_and_a_question_counts_once_as_the_last_run_has_it(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", overconfident())
    again = write_run(tmp_path / "b", [*overconfident(8), answer("new", 0.5, 1.0)], questions_sha256="b" * 64)
    found = calibrate([first, again], data_dir=tmp_path)
    assert found.calibration.answers == 41
    assert found.calibration.runs == (str(first), str(again))


def test_what_a_calibration_made_of_a_confidence_does_not_matter(tmp_path: Path) -> None:
    plain = calibrate([write_run(tmp_path / "a", overconfident())], data_dir=tmp_path).calibration
    once = calibrate([write_run(tmp_path / "b", overconfident(confidence=0.125))], data_dir=tmp_path).calibration
    assert (once.intercept, once.slope, once.before) == (plain.intercept, plain.slope, plain.before)


@pytest.mark.parametrize(
    ("records", "run", "words"),
    [
        (overconfident(8), {}, "8 answers.*10 are the fewest"),
        ([answer(f"q{n}", 0.9, 0.0) for n in range(20)], {}, "none is right"),
        ([answer(f"q{n}", 0.9, 1.0) for n in range(20)], {}, "none is wrong"),
        ([answer(f"q{n}", 0.9, float(n > 0)) for n in range(20)], {}, "1 is wrong"),
        ([answer(f"q{n}", 0.9, None) for n in range(20)], {"dataset": "custom"}, "no question has a gold answer"),
        ([answer(f"q{n}", 0.9, 1.0, error="X") for n in range(20)], {}, "0 answers.*20 failed"),
        ([record(f"q{n}", scores={"em": 1.0}) for n in range(20)], {}, "no signals"),
        (overconfident(), {"retrieval_only": True}, "retrieval-only"),
        (without("gold", overconfident()), {"dataset": "attacks"}, "no answers to calibrate on"),
        (without("status", overconfident()), {"system": "langgraph"}, "no answers to calibrate on"),
        (
            [*overconfident(), answer("x", 0.5, 1.0, conditions={**CONDITIONS, "answer.mode": "never"})],
            {},
            'answer.mode: "adaptive", now "never"',
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(
    tmp_path: Path, records: list[dict[str, Any]], run: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        calibrate([fitted(tmp_path, records, **run)], data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / FILE).exists()


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(OperatorError, match="data"):
        calibrate([fitted(tmp_path, overconfident())], data_dir=tmp_path / "data")


def test_a_run_is_calibrated_and_the_next_one_says_so(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    asked = [
        {"id": f"q{n}", "question": f"Is Tarn a lake? ({n})", "answer": "no" if n % 4 else "yes", "type": "bridge",
         "gold_titles": ["Tarn"]}
        for n in range(16)
    ]  # fmt: skip
    (data / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked), encoding="utf-8")
    request = RunRequest("hotpotqa", data=data, system="hybrid", out=tmp_path / "first", cache=False)
    reply = Completion("Answer: yes\nTarn is a lake [1].", "stop", 10, 5, (("Answer:", 0.0), (" yes", math.log(0.9))))
    run(request, tmp_path, *[reply] * 16)
    assert {line["confidence"] for line in records(request)} == {0.9}
    folder = tmp_path / "hopcite"
    made = calibrate([tmp_path / "first"], data_dir=folder).calibration
    assert (made.answers, made.right) == (16, 4)
    again = replace(request, out=tmp_path / "again")
    run(again, tmp_path, *[reply] * 16)
    assert {line["confidence"] for line in records(again)} == {
        round(platt(0.9, intercept=made.intercept, slope=made.slope), 3)
    }
    for name, told in (("first", "uncalibrated"), ("again", "calibrated")):
        assert calibrated(read_run(tmp_path / name)) == told
    with pytest.raises(UsageError, match="calibration: null, now"):
        run(request, tmp_path)
    assert "again, calibrated" in render_report([replace(read_run(tmp_path / "again"), name="again")])
    recalibrated = calibrate([tmp_path / "again"], data_dir=folder).calibration
    assert (recalibrated.intercept, recalibrated.slope) == (made.intercept, made.slope), "from the signals"


def test_the_table_shows_bins_and_quality_in_percent(tmp_path: Path) -> None:
    text = render_calibrated(calibrate([fitted(tmp_path, overconfident())], data_dir=tmp_path))
    assert text.startswith("40 answers, 5 right by answer EM\n")
    assert "| 80 to 90 | 20 | 86.9 | 25.0 | 0 | | |" in text
    assert "| 12% for every answer | 0.0 | 10.9 |" in text
    assert f"Kept in {tmp_path / FILE}" in text


def test_the_json_is_plain(tmp_path: Path) -> None:
    found = json.loads(json.dumps(calibrated_json(calibrate([fitted(tmp_path, overconfident())], data_dir=tmp_path))))
    assert (found["kept"], found["file"]) == (True, str(tmp_path / FILE))
    assert found["calibration"] == json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    assert sum(part["answers"] for part in found["after"]) == 40
