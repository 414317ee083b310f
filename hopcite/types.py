"""The nouns of the system. Frozen dataclasses; `None` means "not known", never "not asked".

Every `start` and `end` is a character offset, `start` inclusive and `end` exclusive, into the stored text of the
document (or, where a comment says so, into the answer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AnswerStatus = Literal["answered", "partial", "unanswerable"]
StepStatus = Literal["pending", "found", "answered", "no_evidence", "skipped"]
"""found: passages were retrieved and no later step needed the answer. skipped: the budget ended first."""


@dataclass(frozen=True, slots=True)
class Document:
    """One source as it is stored: the text that every offset points into."""

    id: str
    title: str
    text: str
    source: str
    """Where it came from: a path, with `#line` for a record of a JSONL file, or a name given by the caller."""
    page_starts: tuple[int, ...] = ()
    """Offset of each page's first character; page numbers count from 1. Empty when the format has no pages."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Facts about the source that readers may be shown: `published_at`, `author`, `publisher`, `url`."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one document, as it is embedded and shown. `text == document.text[start:end]`, always."""

    id: str
    document_id: str
    title: str
    source: str
    text: str
    start: int
    end: int
    position: int
    """0 for the document's first chunk, counting up."""
    page: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """What writer and reranker read above the text: the title, then publisher and date where they are known."""
        facts = [self.metadata[name] for name in ("publisher", "published_at") if self.metadata.get(name)]
        return f"{self.title} ({', '.join(facts)})".strip() if facts else self.title


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a query, with its place in the ranking that holds it."""

    chunk: Chunk
    rank: int
    """1 is best."""
    retrieval_score: float
    rerank_score: float | None = None
    steps: tuple[str, ...] = ()
    """Ids of the steps whose search found it; the question itself is step "q"."""


@dataclass(frozen=True, slots=True)
class Step:
    """One search of a plan: the question itself is step `q`, planned sub-questions are `s1`, `s2` and so on."""

    id: str
    question: str
    needs: tuple[str, ...] = ()
    answer: str = ""
    status: StepStatus = "pending"
    round: int = 0
    chunk_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer. `start`/`end` are offsets into `Answer.answer`; `text` is that slice."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...] = ()
    supported: bool | None = None
    """None: could not be judged."""


@dataclass(frozen=True, slots=True)
class Citation:
    """The words that support a claim. `quote` equals the stored document text at `[start:end]`."""

    n: int
    document_id: str
    title: str
    source: str
    page: int | None
    chunk_id: str
    start: int
    end: int
    quote: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """The bill of one question. `ms` holds wall-clock milliseconds by stage, and `total`."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """What one node of the agent did. The last three fields are there when the trace was asked for."""

    node: str
    ms: float
    detail: Mapping[str, object] = field(default_factory=dict)
    started_ms: float | None = None
    """Since the question came."""
    input: Mapping[str, object] | None = None
    """The state that the node found, as JSON values; passages by their ids."""
    output: Mapping[str, object] | None = None
    """What it changed of the state."""


CallKind = Literal["complete", "parse", "label_logprobs", "rerank"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One use of a model: of a chat, or of a reranker, whose own questions to a chat have it as their parent."""

    id: int
    parent: int | None
    event: int
    """Place, from 0, of the event in whose node it was made."""
    kind: CallKind
    model: str
    started_ms: float
    ms: float
    request: Mapping[str, object]
    reply: object
    """As JSON values; None when it failed."""
    facts: Mapping[str, object]
    calls: int
    """Requests that it took: two when a reply had to be repaired. Of a reranker, all that it made."""
    prompt_tokens: int
    completion_tokens: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened on the way to an answer, in order.

    The events are always there, in short. What else is, only where the trace was asked for.
    """

    events: tuple[TraceEvent, ...] = ()
    calls: tuple[ModelCall, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    started: str | None = None
    """ISO 8601, UTC. None: the trace was not asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets back. The field names are the JSON of `hopcite ask --json` and `POST /v1/ask`."""

    question: str
    answer: str
    short_answer: str
    status: AnswerStatus
    confidence: float
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    steps: tuple[Step, ...]
    evidence: tuple[Hit, ...]
    usage: Usage
    fingerprint: Mapping[str, object]
    trace: Trace = field(default_factory=Trace)
