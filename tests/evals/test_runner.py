"""A whole run over a tiny corpus, with real parts that need no model; and runs that were stopped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import RunRequest
from hopcite.errors import Unreachable, UsageError, WorkFailed
from tests.evals.parts import CORPUS, REPLIES, records, run, write_data


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    return RunRequest(
        "hotpotqa", data=write_data(tmp_path / "data"), system="hybrid", out=tmp_path / "run", cache=False
    )


def test_each_question_is_asked_scored_and_written(request_: RunRequest, tmp_path: Path) -> None:
    finished = run(request_, tmp_path, *REPLIES.values())
    by_id = {record["id"]: record for record in records(request_)}
    assert list(by_id) == ["q1", "q2", "q3"]
    assert by_id["q1"]["scores"]["em"] == by_id["q1"]["scores"]["sp_em"] == by_id["q1"]["scores"]["recall@5"] == 1.0
    assert by_id["q2"]["scores"]["recall@5"] == 0.5, "one of the gold passages is not in the corpus"
    # One of two gold passages at rank 1: DCG 1 of 1 + 1 / log2(3), and half of the precisions.
    assert by_id["q2"]["scores"]["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert by_id["q2"]["scores"]["ap@10"] == 0.5
    assert (by_id["q3"]["short_answer"], by_id["q3"]["scores"]["f1"]) == ("no", 0.0)
    assert by_id["q1"]["citations"][0]["quote"] in CORPUS[0]["text"]
    assert finished.summary["scores"]["em"]["mean"] == pytest.approx(2 / 3)
    assert "Not there" in finished.summary["notes"][0]
    manifest = json.loads((finished.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "complete"


def test_a_run_that_was_killed_goes_on_and_equals_one_that_was_not(request_: RunRequest, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        run(request_, tmp_path, REPLIES["q1"], Unreachable("The server went away."))
    assert [record["id"] for record in records(request_)] == ["q1"]
    assert request_.out is not None
    with (request_.out / "records.jsonl").open("ab") as file:
        file.write(b'{"id": "q2", "half')  # what a kill in the middle of a write leaves
    resumed = run(request_, tmp_path, REPLIES["q2"], REPLIES["q3"])
    assert [record["id"] for record in records(request_)] == ["q1", "q2", "q3"]
    whole = run(replace(request_, out=tmp_path / "whole"), tmp_path, *REPLIES.values())
    assert resumed.summary["scores"] == whole.summary["scores"]


def test_a_question_that_fails_is_recorded_and_tried_again(request_: RunRequest, tmp_path: Path) -> None:
    failed = run(request_, tmp_path, REPLIES["q1"], WorkFailed("Garbled."), REPLIES["q3"])
    assert failed.summary["errors"] == 1
    [broken] = [record for record in records(request_) if record["error"]]
    assert (broken["id"], broken["error"], broken["scores"]["em"]) == ("q2", "WorkFailed: Garbled.", 0.0)
    assert run(request_, tmp_path, REPLIES["q2"]).summary["errors"] == 0


def test_a_defect_fails_its_own_question_and_no_other(request_: RunRequest, tmp_path: Path) -> None:
    finished = run(request_, tmp_path, REPLIES["q1"], KeyError("steps"), REPLIES["q3"])
    assert [record["error"] for record in records(request_)] == [None, "KeyError: 'steps'", None]
    assert (finished.summary["questions"], finished.summary["errors"]) == (3, 1)


def test_a_failure_beyond_a_lower_limit_stays_and_counts(request_: RunRequest, tmp_path: Path) -> None:
    run(replace(request_, limit=3), tmp_path, REPLIES["q1"], REPLIES["q2"], WorkFailed("Garbled."))
    summary = run(replace(request_, limit=2), tmp_path).summary
    assert [record["error"] for record in records(request_)] == [None, None, "WorkFailed: Garbled."]
    assert (summary["questions"], summary["errors"]) == (3, 1)
    assert summary["scores"]["em"] == {**summary["scores"]["em"], "n": 3, "mean": pytest.approx(2 / 3)}
    assert request_.out is not None
    assert json.loads((request_.out / "manifest.json").read_text(encoding="utf-8"))["limit"] == 3


def test_a_folder_of_another_run_is_left_alone(request_: RunRequest, tmp_path: Path) -> None:
    run(request_, tmp_path, *REPLIES.values())
    other = replace(request_, system="hops")
    with pytest.raises(UsageError, match='system: "hybrid", now "hops"'):
        run(other, tmp_path)
    assert len(records(request_)) == 3


def test_a_higher_limit_extends_a_run(request_: RunRequest, tmp_path: Path) -> None:
    run(replace(request_, limit=1), tmp_path, REPLIES["q1"])
    assert run(request_, tmp_path, REPLIES["q2"], REPLIES["q3"]).summary["questions"] == 3


def test_retrieval_only_calls_no_model(request_: RunRequest, tmp_path: Path) -> None:
    finished = run(replace(request_, retrieval_only=True), tmp_path)
    assert "em" not in finished.summary["scores"]
    assert finished.summary["scores"]["recall@10"]["mean"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert finished.summary["cost"]["llm_calls"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": None}, "--data"),
        ({"dataset": "squad"}, "musique"),
        ({"system": "nonsense"}, "hybrid"),
        ({"split": "train"}, "train"),
        ({"limit": 0}, "--limit"),
    ],
)
def test_a_wrong_request_names_what_is_wrong(
    request_: RunRequest, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        run(replace(request_, **change), tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_bad_line_is_named(request_: RunRequest, tmp_path: Path) -> None:
    assert request_.data is not None
    with (request_.data / "test.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "q1", "question": "Again?", "answer": "x"}\n')
    with pytest.raises(UsageError, match=r"test\.jsonl, line 4: the id 'q1' is that of line 1"):
        run(request_, tmp_path)
