"""The confidence of an answer from end to end: its signal, a calibration that holds, and one that does not."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agent import AnswerOptions, Deps, answer_question
from agent.calibration import FILE, Calibration, Quality, conditions_of
from hopcite.chat import Completion
from hopcite.settings import Settings
from hopcite.types import Answer
from retrieval import Collection
from retrieval.rerank.identity import IdentityReranker
from tests.agent.test_graph import NOT_THERE, QUESTION, REPLY, collection
from tests.fakes import HashingEncoder, ScriptedChat

__all__ = ["collection"]

NEVER = AnswerOptions(mode="never")
HALF = math.log(0.5)
TOLD = Completion(REPLY, "stop", 10, 5, (("Answer:", HALF), (" Kest", HALF), ("mark", math.log(0.6)), ("\n", HALF)))


def deps(collection: Collection, folder: Path, *script: str | Completion) -> Deps:
    return Deps(
        settings=Settings(data_dir=folder),
        collection=collection,
        reranker=IdentityReranker(),
        chat=ScriptedChat(list(script)),
    )


def calibrate(folder: Path, parts: Deps, options: AnswerOptions = NEVER, **fields: Any) -> None:
    fit = Quality(ece=0.3, brier=0.3, log_loss=0.9)
    made = Calibration(
        made="2026-01-31", runs=("run",), answers=40, right=20, measure="em", intercept=0.0, before=fit, after=fit,
        conditions=conditions_of(parts, options), **{"slope": 2.0, "signal": "likelihood", **fields},
    )  # fmt: skip
    (folder / FILE).write_text(made.model_dump_json(), encoding="utf-8")


def ask(parts: Deps, options: AnswerOptions = NEVER) -> Answer:
    return asyncio.run(answer_question(QUESTION, deps=parts, options=options))


def note(answer: Answer) -> str:
    return str(answer.fingerprint["confidence"])


def test_uncalibrated_it_is_the_likelihood_of_the_short_answer_and_says_so(
    collection: Collection, tmp_path: Path
) -> None:
    answer = ask(deps(collection, tmp_path, TOLD))
    assert answer.confidence == 0.3
    assert note(answer).startswith("likelihood, uncalibrated: no calibration.json")


def test_without_log_probabilities_it_is_the_support(collection: Collection, tmp_path: Path) -> None:
    answer = ask(deps(collection, tmp_path, REPLY))
    signs = [{True: 1.0, False: 0.0, None: 0.5}[claim.supported] for claim in answer.claims]
    quoted = any("Kestmark" in citation.quote for citation in answer.citations)
    assert answer.confidence == round((sum(signs) / len(signs) + quoted) / 2, 3)
    assert note(answer).startswith("support, uncalibrated: ")


def test_a_calibration_that_holds_is_applied(collection: Collection, tmp_path: Path) -> None:
    parts = deps(collection, tmp_path, TOLD)
    calibrate(tmp_path, parts)
    answer = ask(parts)
    assert answer.confidence == round(9 / (9 + 49), 3), "odds of 3 to 7, squared"
    assert note(answer) == "likelihood, calibrated on 40 answers, 2026-01-31"


def test_one_for_other_settings_is_not(collection: Collection, tmp_path: Path) -> None:
    parts = deps(collection, tmp_path, TOLD)
    calibrate(tmp_path, parts, AnswerOptions(mode="always"))
    answer = ask(parts)
    assert answer.confidence == 0.3
    assert 'answer.mode: "always", now "never"' in note(answer)


def test_one_for_a_signal_that_this_answer_lacks_is_not(collection: Collection, tmp_path: Path) -> None:
    parts = deps(collection, tmp_path, REPLY)
    calibrate(tmp_path, parts)
    answer = ask(parts)
    assert note(answer).startswith("support, uncalibrated: the calibration is for the likelihood")


def test_a_broken_one_stops_no_answer(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    answer = ask(deps(collection, tmp_path, TOLD))
    assert answer.confidence == 0.3
    assert "uncalibrated" in note(answer)
    assert "delete it" in note(answer)


def test_what_is_declined_has_none(collection: Collection, tmp_path: Path) -> None:
    parts = deps(collection, tmp_path, Completion(NOT_THERE, "stop", 10, 5, (("Answer:", 0.0), (" unknown", -0.1))))
    calibrate(tmp_path, parts)
    assert ask(parts).confidence == 0.0


def test_the_trace_holds_what_a_calibration_is_made_from(collection: Collection, tmp_path: Path) -> None:
    parts = deps(collection, tmp_path, TOLD)
    verify = ask(parts).trace.events[-1]
    assert verify.detail["signals"]["likelihood"] == pytest.approx(0.3)  # type: ignore[index]  # detail is of any shape
    assert verify.detail["conditions"] == conditions_of(parts, NEVER)
    assert conditions_of(parts, NEVER)["encoder"] == HashingEncoder.fingerprint
    assert asdict(verify)["detail"]["signals"].keys() == {"likelihood", "supported", "quoted"}
