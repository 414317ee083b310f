"""Calibrations: what they say, and when they may say it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import AnswerOptions
from agent.calibration import (
    FILE,
    Calibration,
    Condition,
    Quality,
    conditions,
    in_force,
    logit,
    platt,
    read_calibration,
    uncalibrated,
)
from agent.signals import Signals
from hopcite.errors import OperatorError
from hopcite.settings import AnswerSettings, LLMSettings, RerankSettings, SearchSettings, ServerSettings, Settings

MODELS = {"llm": "small", "encoder": "hashing", "reranker": "none"}
FIT = Quality(ece=0.3, brier=0.3, log_loss=0.9)


def now(settings: Settings | None = None, **options: Any) -> dict[str, Condition]:
    settings = settings or Settings()
    return conditions(settings, replace(AnswerOptions.from_settings(settings), **options), **MODELS)


def calibration(**fields: Any) -> Calibration:
    given: dict[str, Any] = {
        "made": "2026-01-31", "runs": ("run",), "answers": 40, "right": 20, "measure": "em", "signal": "likelihood",
        "intercept": -1.0, "slope": 2.0, "before": FIT, "after": FIT, "conditions": now(),
    }  # fmt: skip
    return Calibration(**{**given, **fields})


def kept(folder: Path, **fields: Any) -> Path:
    (folder / FILE).write_text(calibration(**fields).model_dump_json(), encoding="utf-8")
    return folder


def test_platt_scaling_by_hand() -> None:
    # logit(0.8) = ln 4; -1 + 2 ln 4 = ln(16 / e); the odds 16 / e are a chance of 16 / (16 + e).
    assert platt(0.8, intercept=-1, slope=2) == pytest.approx(16 / (16 + math.e))
    assert platt(0.3, intercept=0, slope=1) == pytest.approx(0.3)


def test_no_answer_counts_without_bounds() -> None:
    assert logit(0.0) == pytest.approx(-math.log(99))
    assert logit(1.0) == pytest.approx(math.log(99))


def test_uncalibrated_is_the_likelihood_or_where_it_is_not_known_the_support() -> None:
    assert uncalibrated(Signals(0.9, 0.5, 1.0)) == ("likelihood", 0.9)
    assert uncalibrated(Signals(None, 0.5, 1.0)) == ("support", 0.75)


def test_a_calibration_speaks_only_of_its_own_signal() -> None:
    assert calibration().confidence(Signals(0.8, 0.5, None)) == pytest.approx(16 / (16 + math.e))
    assert calibration().confidence(Signals(None, 0.8, None)) is None
    assert calibration(signal="support").confidence(Signals(0.1, 0.8, None)) is None


def test_it_holds_under_its_conditions_and_says_what_it_is(tmp_path: Path) -> None:
    found, told = in_force(kept(tmp_path), now())
    assert found == calibration()
    assert told == "calibrated on 40 answers, 2026-01-31"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (now(mode="never"), 'answer.mode: "adaptive", now "never"'),
        (now(evidence=3), "answer.evidence: 5, now 3"),
        (now(within=("d",)), "given documents: false, now true"),
        (now(Settings(rerank=RerankSettings(passages=7))), "rerank.passages: 20, now 7"),
        (now(Settings(rerank=RerankSettings(passage_tokens=99))), "rerank.passage_tokens: 300, now 99"),
        (now(Settings(search=SearchSettings(hops=False))), "search.hops: true, now false"),
        ({**now(), "llm": "large"}, 'llm: "small", now "large"'),
        ({**now(), "prompt": "other"}, "prompt: "),
    ],
)
def test_another_condition_is_named_and_the_calibration_not_used(
    tmp_path: Path, changed: dict[str, Condition], words: str
) -> None:
    found, told = in_force(kept(tmp_path), changed)
    assert found is None
    assert told.startswith("uncalibrated: ")
    assert words in told


def test_what_changes_no_answer_changes_no_condition() -> None:
    other = Settings(
        data_dir=Path("elsewhere"),
        collection="mine",
        llm=LLMSettings(threads=3, timeout_s=9),
        rerank=RerankSettings(device="cpu"),
        answer=AnswerSettings(deadline_s=60),
        server=ServerSettings(port=1),
    )
    assert now(other) == now()


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) is None
    assert in_force(tmp_path / "absent", now())[1].startswith("uncalibrated: no calibration.json")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"slope": -1.0},
        {"slope": math.nan},
        {"intercept": 1e6},
        {"extra": 1},
        {"signal": "mood"},
        {"intercept": None},
    ],
)  # fmt: skip
def test_a_broken_file_is_an_error_for_the_operator_and_never_used(tmp_path: Path, change: dict[str, object]) -> None:
    values = json.loads(calibration().model_dump_json()) | change
    (tmp_path / FILE).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(OperatorError, match="eval calibrate"):
        read_calibration(tmp_path)
    found, told = in_force(tmp_path, now())
    assert (found, told[:13]) == (None, "uncalibrated:")


def test_half_a_file_is_broken(tmp_path: Path) -> None:
    whole = calibration().model_dump_json()
    (tmp_path / FILE).write_text(whole[: len(whole) // 2], encoding="utf-8")
    with pytest.raises(OperatorError):
        read_calibration(tmp_path)


def test_the_fingerprint_follows_every_number() -> None:
    assert calibration().fingerprint == calibration().fingerprint
    assert calibration().fingerprint != calibration(slope=2.5).fingerprint
