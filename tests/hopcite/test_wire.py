"""The JSON of an answer: the keys that callers rely on, and no more."""

from __future__ import annotations

import json

from hopcite.types import Answer, Chunk, Citation, Claim, Hit, Step, Trace, TraceEvent, Usage
from hopcite.wire import AnswerBody, answer_json

TEXT = "It was surveyed by Ottilie Brandvold."
CHUNK = Chunk("c1", "d1", "Harrow Pass Railway", "railway.md", TEXT, 41, 41 + len(TEXT), 1, page=2)
ANSWER = Answer(
    question="Who surveyed the Harrow Pass Railway?",
    answer="Ottilie Brandvold surveyed it [1].",
    short_answer="Ottilie Brandvold",
    status="answered",
    confidence=0.75,
    claims=(Claim("Ottilie Brandvold surveyed it [1].", 0, 34, (1,), None),),
    citations=(Citation(1, "d1", "Harrow Pass Railway", "railway.md", 2, "c1", 41, 78, TEXT, True),),
    steps=(Step("q", "Who surveyed the Harrow Pass Railway?", status="found", chunk_ids=("c1",)),),
    evidence=(Hit(CHUNK, 1, 0.03, None, ("q",)),),
    usage=Usage(1, 200, 20, {"total": 12.5}),
    fingerprint={"llm": "tiny"},
    trace=Trace((TraceEvent("write", 12.5, {"prompt": "a secret of the trace"}),)),
)


def test_the_parts_of_an_answer_as_plain_json() -> None:
    body = json.loads(json.dumps(answer_json(ANSWER)))
    assert list(body) == (
        "question answer short_answer status confidence claims citations steps evidence usage fingerprint".split()
    )
    assert body["claims"] == [{"text": ANSWER.answer, "start": 0, "end": 34, "citations": [1], "supported": None}]
    assert body["citations"][0]["quote"] == TEXT
    assert body["steps"][0]["chunk_ids"] == ["c1"]
    assert body["usage"] == {"llm_calls": 1, "prompt_tokens": 200, "completion_tokens": 20, "ms": {"total": 12.5}}
    assert body["fingerprint"] == {"llm": "tiny"}


def test_evidence_is_flat() -> None:
    [item] = answer_json(ANSWER)["evidence"]
    assert item == {
        "chunk_id": "c1",
        "document_id": "d1",
        "title": "Harrow Pass Railway",
        "text": TEXT,
        "start": 41,
        "end": 78,
        "rank": 1,
        "retrieval_score": 0.03,
        "rerank_score": None,
        "steps": ["q"],
    }


def test_the_trace_stays_inside() -> None:
    assert "secret" not in json.dumps(answer_json(ANSWER))


def test_the_body_can_be_read_back() -> None:
    assert AnswerBody.model_validate(answer_json(ANSWER)) == AnswerBody.from_answer(ANSWER)
