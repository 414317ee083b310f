"""What the API takes and gives. An answer's shape is `hopcite.wire.AnswerBody`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent import THREAD_NAME, Thread, Turn
from hopcite.settings import COLLECTION_NAME, Mode, RerankMethod, SearchMode
from hopcite.types import Document, Hit
from hopcite.wire import AnswerBody
from ingest import IngestReport, LedgerEntry

CollectionName = Annotated[str, Field(pattern=COLLECTION_NAME)]
ThreadName = Annotated[str, Field(pattern=THREAD_NAME)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AskBody(_Body):
    """A question. What is left out is as the server's settings say."""

    question: str = Field(examples=["In which town was the engineer of the Harrow Pass Railway born?"])
    collection: CollectionName | None = None
    mode: Mode | None = None
    """When to split the question into sub-questions: as the evidence asks for it, always, or never."""
    rerank: RerankMethod | None = None
    write: bool | None = None
    """false: no model writes; the answer is the sentences of the evidence nearest to the question."""
    evidence: int | None = Field(default=None, ge=1, le=50)
    """Passages that the writer sees at first, at most. A second draft may have more (`answer.further_evidence`)."""
    deadline: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds, from when the question's turn comes. At the deadline the answer is what there is, status `partial`."""
    max_llm_calls: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens, prompts and replies together, over the whole question."""
    thread: ThreadName | None = None
    """The conversation that the question belongs to: a new name begins one. It answers one question at a time (409)."""
    trace: bool = False
    """Add `trace` to the answer: every stage's input and output, and every model call with its prompt and reply."""


class SearchBody(_Body):
    """A query for passages, without a language model."""

    query: str
    limit: int = Field(default=10, ge=1, le=100)
    collection: CollectionName | None = None
    mode: SearchMode | None = None
    """By meaning, by words, or both. Left out, it is as the server's settings say."""


class HitBody(_Body):
    """A passage. `start` and `end` are character offsets into the document's stored text."""

    rank: int
    score: float
    chunk_id: str
    document_id: str
    title: str
    source: str
    page: int | None
    text: str
    start: int
    end: int
    metadata: dict[str, str]

    @classmethod
    def from_hit(cls, hit: Hit) -> HitBody:
        """Flatten a hit."""
        chunk = hit.chunk
        return cls(
            rank=hit.rank,
            score=hit.retrieval_score,
            chunk_id=chunk.id,
            document_id=chunk.document_id,
            title=chunk.title,
            source=chunk.source,
            page=chunk.page,
            text=chunk.text,
            start=chunk.start,
            end=chunk.end,
            metadata=dict(chunk.metadata),
        )


class HitsBody(_Body):
    """Passages, best first."""

    hits: list[HitBody]


class NewDocument(_Body):
    """A text to store. Without an `id` it is named by a hash of title, source and text.

    An id that exists is replaced if its source is the same; one of another source is refused.
    """

    text: str
    id: str | None = Field(default=None, min_length=1, max_length=512)
    title: str = ""
    source: str = ""
    """Where it came from, for instance an address."""
    metadata: dict[str, str] = {}
    """The first clear date of `published_at`, `published` and `date` is kept in `published_at`, as an ISO 8601 day."""


class NewDocuments(_Body):
    """Texts to store."""

    documents: list[NewDocument] = Field(min_length=1)


class OutcomeBody(_Body):
    """What became of one file or text."""

    source: str
    status: str
    reason: str
    document_id: str
    chunks: int


class ReportBody(_Body):
    """What became of each file or text that was sent. Those that failed say why; the others are stored."""

    outcomes: list[OutcomeBody]
    seconds: float

    @classmethod
    def from_reports(cls, reports: list[IngestReport]) -> ReportBody:
        """One report over all the files of a request."""
        return cls(
            outcomes=[
                OutcomeBody(
                    source=outcome.source,
                    status=outcome.status,
                    reason=outcome.reason or "",
                    document_id=outcome.document_id or "",
                    chunks=outcome.chunks,
                )
                for report in reports
                for outcome in report.outcomes
            ],
            seconds=round(sum(report.seconds for report in reports), 3),
        )


class EntryBody(_Body):
    """A stored document, without its text."""

    id: str
    title: str
    source: str
    status: str
    chunks: int

    @classmethod
    def from_entry(cls, entry: LedgerEntry) -> EntryBody:
        """The public part of a ledger's entry."""
        return cls(id=entry.id, title=entry.title, source=entry.source, status=entry.status, chunks=entry.chunks)


class EntriesBody(_Body):
    """The documents of a collection."""

    collection: str
    documents: list[EntryBody]


class DocumentBody(_Body):
    """A stored document. Every offset of a citation points into `text`; pages count from 1."""

    id: str
    title: str
    source: str
    text: str
    page_starts: list[int]
    metadata: dict[str, str]

    @classmethod
    def from_document(cls, document: Document) -> DocumentBody:
        """The document as JSON has it."""
        return cls(
            id=document.id,
            title=document.title,
            source=document.source,
            text=document.text,
            page_starts=list(document.page_starts),
            metadata=dict(document.metadata),
        )


class CollectionsBody(_Body):
    """The collections of this server."""

    collections: list[str]
    default: str


class HealthBody(_Body):
    """The process is alive, or every part that it needs is there."""

    status: Literal["ok"] = "ok"


class ThreadEntry(_Body):
    """A conversation, without its turns. `title` is its first question; times are ISO 8601, UTC."""

    name: str
    title: str
    collection: str
    turns: int
    unfinished: str
    """A question without an answer, under way or broken off; asked again here, it goes on where it stopped."""
    updated_at: str

    @classmethod
    def from_thread(cls, thread: Thread) -> ThreadEntry:
        """What a list shows."""
        return cls(
            name=thread.name,
            title=thread.title,
            collection=thread.collection,
            turns=len(thread.turns),
            unfinished=thread.unfinished,
            updated_at=thread.updated_at,
        )


class ThreadsBody(_Body):
    """Conversations, the one used last first."""

    threads: list[ThreadEntry]


class TurnBody(_Body):
    """A question and its answer. Of the evidence, it has what the writer was given and what is cited."""

    at: str
    answer: AnswerBody

    @classmethod
    def from_turn(cls, turn: Turn) -> TurnBody:
        """The turn as JSON has it."""
        return cls(at=turn.at, answer=AnswerBody.from_answer(turn.answer))


class ThreadBody(_Body):
    """A conversation, oldest turn first."""

    name: str
    title: str
    collection: str
    turns: list[TurnBody]
    unfinished: str
    updated_at: str

    @classmethod
    def from_thread(cls, thread: Thread) -> ThreadBody:
        """The whole conversation."""
        return cls(
            name=thread.name,
            title=thread.title,
            collection=thread.collection,
            turns=[TurnBody.from_turn(turn) for turn in thread.turns],
            unfinished=thread.unfinished,
            updated_at=thread.updated_at,
        )
