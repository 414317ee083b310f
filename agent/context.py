"""What a question is answered with: the open parts, the caller's options, and the context that the nodes share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from agent.followup import Exchange
from agent.prompts import OPENINGS
from agent.threads import Threads
from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.openai_chat import open_chat
from hopcite.recording import Recorder, RecordingChat
from hopcite.settings import Mode, RerankMethod, Settings
from hopcite.types import Chunk
from retrieval import Collection, open_collection, open_encoder, open_reranker
from retrieval.rerank.choice import most_calls
from retrieval.rerank.port import Reranker

Stage = Literal["retrieve", "plan", "rerank", "write", "verify"]


@dataclass(frozen=True, slots=True)
class Deps:
    """The open parts. One set serves any number of questions at once."""

    settings: Settings
    collection: Collection
    reranker: Reranker
    chat: Chat
    threads: Threads | None = None
    """Where conversations are kept. Without it, a question can be part of none."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How one question is to be answered, and what it may cost. Seconds and tokens; None is no ceiling."""

    mode: Mode = "adaptive"
    evidence: int = 5
    min_share: float = 0.3
    sure: float = 0.65
    further_evidence: int = 8
    max_rounds: int = 4
    max_llm_calls: int | None = None
    max_tokens: int | None = None
    deadline_s: float | None = None
    max_answer_tokens: int = 256
    writer: bool = True
    """False: the evidence's own sentences are the answer."""
    step_answers: bool = True
    """False: sub-questions that need the answer of another are left out."""
    defences: bool = True
    """Screen the passages before a model sees them (`agent.evidence`)."""
    write: bool = True
    """False stops after reranking: retrieval is measured without a writer."""
    passages: tuple[Chunk, ...] | None = None
    """Answer from these, in place of a search with the question."""
    within: tuple[str, ...] | None = None
    """Search these documents only, by id."""
    rewrite: bool = True
    """False: a follow-up is searched as it was asked."""
    thread: str | None = None
    """The conversation that the question belongs to, new or known; `agent.threads` has them."""
    earlier: tuple[Exchange, ...] = ()
    """The conversation so far, oldest first, of a caller who keeps it; a thread that has turns goes by those."""
    trace: bool = False
    """Keep every stage's input and output and every model call in the answer's trace."""

    @classmethod
    def from_settings(
        cls, settings: Settings, *, rerank: RerankMethod | None = None, write: bool = True
    ) -> AnswerOptions:
        """The options that the settings ask for; `rerank` is used in place of their method.

        Unless somebody set `answer.max_llm_calls`, what the reranker needs comes on top: else a method that asks often
        would be left out of every answer.
        """
        answer = settings.answer
        room = 0
        if "max_llm_calls" not in answer.model_fields_set:
            changes = {} if rerank is None else {"method": rerank}
            room = most_calls(settings.rerank.model_copy(update=changes))
        return cls(
            write=write,
            mode=answer.mode,
            evidence=answer.evidence,
            min_share=answer.min_share,
            sure=answer.sure,
            further_evidence=answer.further_evidence,
            max_rounds=answer.max_rounds,
            rewrite=answer.rewrite,
            max_llm_calls=answer.max_llm_calls + room,
            deadline_s=answer.deadline_s,
            max_answer_tokens=answer.max_answer_tokens,
            writer=answer.writer,
            step_answers=answer.step_answers,
            defences=answer.defences,
        )


@dataclass(frozen=True, slots=True)
class StageEvent:
    """Progress for whoever waits. `text` events carry a piece of the reply as it is written, in `detail["text"]`."""

    stage: Stage
    state: Literal["start", "end", "text"]
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What every node of one run can reach."""

    deps: Deps
    options: AnswerOptions
    budget: Budget
    emit: Callable[[StageEvent], None]
    recorder: Recorder | None = None
    """There when somebody wants the whole trace."""


@asynccontextmanager
async def open_deps(settings: Settings, *, collection: str | None = None) -> AsyncIterator[Deps]:
    """Open the parts that `settings` name, and close them at the end. Models load on first use.

    What is wrong with the settings shows before anything is opened that takes time.
    """
    chat = RecordingChat(
        open_chat(settings, openings=OPENINGS)
    )  # the reranker asks it too, and those calls belong to the trace
    reranker = open_reranker(settings, chat)
    try:
        opened = open_collection(settings, open_encoder(settings), name=collection)
        try:
            threads = Threads(settings)
            try:
                yield Deps(settings=settings, collection=opened, reranker=reranker, chat=chat, threads=threads)
            finally:
                await threads.aclose()
        finally:
            opened.close()
    finally:
        await reranker.aclose()
        await chat.aclose()
