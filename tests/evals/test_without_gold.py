"""Runs without the gold documents: to abstain is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals import RunRequest, load_dataset
from evals.datasets import without_gold
from hopcite.errors import UsageError
from tests.evals.parts import QUESTIONS, records, run, write_data

UNKNOWN = "Answer: unknown\nThe passages do not say it."


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    data = write_data(tmp_path / "data")
    lines = (json.dumps(question) + "\n" for question in QUESTIONS[:2])
    (data / "test.jsonl").write_text("".join(lines), encoding="utf-8")
    return RunRequest("hotpotqa", data=data, system="hybrid", out=tmp_path / "run", cache=False, without_gold=True)


def test_the_gold_documents_of_every_question_are_gone(request_: RunRequest) -> None:
    assert request_.data
    whole = load_dataset("hotpotqa", request_.data, split="test")
    left = without_gold(whole)
    assert [document.id for document in left.documents] == ["p3"]
    assert all(not (question.answerable or question.gold or question.answers) for question in left.questions)
    assert [question.question for question in left.questions] == [question.question for question in whole.questions]
    assert left.corpus_sha256 != whole.corpus_sha256, "its collection is another one"
    assert "2 gold documents" in left.notes[0]


def test_who_abstains_is_right(request_: RunRequest, tmp_path: Path) -> None:
    summary = run(request_, tmp_path, UNKNOWN, "Answer: Tarn\nTarn is a lake [1].").summary
    assert [record["scores"]["abstained"] for record in records(request_)] == [1.0, 0.0]
    assert summary["scores"]["abstained"]["mean"] == 0.5
    assert not {"em", "f1", "recall@5", "citation_recall"} & summary["scores"].keys()
    assert {item["document_id"] for record in records(request_) for item in record["evidence"]} == {"p3"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"dataset": "custom"}, "as it is", id="one's own questions"),
        pytest.param({"retrieval_only": True}, "answers alone", id="retrieval"),
        pytest.param({"system": "oracle"}, "answers alone", id="the gold evidence"),
    ],
)
def test_what_cannot_be_measured_without_gold_is_refused(
    request_: RunRequest, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        run(replace(request_, **changes), tmp_path)  # type: ignore[arg-type]  # one changed field each
    assert not (tmp_path / "run").exists()
