"""The JSON of an answer: the one shape of `hopcite ask --json`, `POST /v1/ask` and each line of an evaluation run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict

from hopcite.types import Answer, AnswerStatus, Citation, Claim, Hit, Step, Trace, TraceEvent, Usage

TRACE_VERSION = 1
"""Raised when a field of a trace changes its meaning (docs/trace.md)."""


class EvidenceItem(BaseModel):
    """A passage that the answer could draw on, best first."""

    model_config = ConfigDict(frozen=True)

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    end: int
    rank: int
    retrieval_score: float
    rerank_score: float | None
    steps: list[str]

    @classmethod
    def from_hit(cls, hit: Hit) -> EvidenceItem:
        """Flatten a hit."""
        chunk = hit.chunk
        return cls(
            chunk_id=chunk.id,
            document_id=chunk.document_id,
            title=chunk.title,
            text=chunk.text,
            start=chunk.start,
            end=chunk.end,
            rank=hit.rank,
            retrieval_score=hit.retrieval_score,
            rerank_score=hit.rerank_score,
            steps=list(hit.steps),
        )


class AnswerBody(BaseModel):
    """An answer with its claims, citations, steps, evidence and bill."""

    model_config = ConfigDict(frozen=True)

    question: str
    answer: str
    short_answer: str
    status: AnswerStatus
    confidence: float
    claims: list[Claim]
    citations: list[Citation]
    steps: list[Step]
    evidence: list[EvidenceItem]
    usage: Usage
    fingerprint: dict[str, Any]

    @classmethod
    def from_answer(cls, answer: Answer) -> AnswerBody:
        """The public part of an answer; its trace is exported separately."""
        return cls(
            question=answer.question,
            answer=answer.answer,
            short_answer=answer.short_answer,
            status=answer.status,
            confidence=answer.confidence,
            claims=list(answer.claims),
            citations=list(answer.citations),
            steps=list(answer.steps),
            evidence=[EvidenceItem.from_hit(hit) for hit in answer.evidence],
            usage=answer.usage,
            fingerprint=dict(answer.fingerprint),
        )


def answer_json(answer: Answer, *, trace: bool = False) -> dict[str, Any]:
    """The answer as plain JSON values; with `trace`, how it came about is in it too."""
    body = AnswerBody.from_answer(answer).model_dump(mode="json")
    return {**body, "trace": trace_json(answer.trace)} if trace else body


def trace_json(trace: Trace) -> dict[str, Any]:
    """The trace as plain JSON values: what a run of an evaluation keeps of it are its `events`."""
    return {
        "version": TRACE_VERSION,
        "started": trace.started,
        "options": dict(trace.options),
        "events": [_known(event) for event in trace.events],
        "calls": [asdict(call) for call in trace.calls],
    }


def _known(event: TraceEvent) -> dict[str, Any]:
    """Without the fields that only a trace which was asked for has."""
    return {name: value for name, value in asdict(event).items() if value is not None}
