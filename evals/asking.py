"""One question put to one system: through the public door of the agent or, closed-book, straight to the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agent import AnswerOptions, Deps, answer_question
from agent.write import parse_draft
from evals.datasets import Question
from evals.systems import System
from hopcite.budget import Budget
from hopcite.chat import Message
from hopcite.errors import HopciteError, OperatorError, UsageError
from hopcite.types import Answer, Chunk, Usage

Pool = Literal["open", "distractor"]
"""open: every question searches the whole corpus. distractor: only the documents that the set hands out with it."""

CLOSED_BOOK = (
    'You answer questions from what you know. Reply with one line "Answer:" and the answer alone: a name, a phrase, a '
    'number, yes or no, as short as possible. If you do not know, write "Answer: unknown".'
)


@dataclass(frozen=True, slots=True)
class Job:
    """How the questions of a run are asked. Can be pickled."""

    system: System
    written: bool
    pool: Pool = "open"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question: its answer, an empty one if it failed."""

    question: Question
    answer: Answer
    error: str | None = None


OnOutcome = Callable[[Outcome], None]


async def ask_all(questions: Sequence[Question], job: Job, *, deps: Deps, concurrency: int, tell: OnOutcome) -> None:
    """Ask the questions, `concurrency` at once, and tell of each as it is done.

    What would fail for every question, a missing model or server, stops them all and is raised.
    """
    waiting = iter(questions)

    async def work() -> None:
        for question in waiting:
            tell(await ask(question, job, deps=deps))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(questions))):
                group.create_task(work())
    except* HopciteError as group_error:
        # The workers stop together; the first cause says what to do.
        raise group_error.exceptions[0] from None


async def ask(question: Question, job: Job, *, deps: Deps) -> Outcome:
    """Ask one question. `OperatorError` is raised; any other failure, a defect of ours too, is the question's own."""
    try:
        answer = await _answer(question, job, deps)
        # The answer that a person gets after a part has failed is not that of the system under test.
        failed = [str(event.detail["failed"]) for event in answer.trace.events if "failed" in event.detail]
        return Outcome(question, answer, f"WorkFailed: {failed[0]}" if failed else None)
    except OperatorError:
        raise
    except Exception as exc:  # noqa: BLE001 - one question must not stop the others, nor every resumed run
        return Outcome(question, _no_answer(question.question), f"{type(exc).__name__}: {exc}")


async def _answer(question: Question, job: Job, deps: Deps) -> Answer:
    if job.system.evidence == "none":
        return await _closed_book(question.question, deps)
    options = AnswerOptions.from_settings(deps.settings, write=job.written)
    if job.pool == "distractor":
        if not question.pool:
            raise UsageError(f"The data set hands out no documents with question {question.id}; use --pool open.")
        options = replace(options, within=question.pool)
    if job.system.evidence == "gold":
        chunks = await asyncio.to_thread(_gold_chunks, question, deps)
        # A question without gold, such as a null query, is left with what a search finds.
        options = replace(options, passages=chunks or None, evidence=max(options.evidence, len(chunks)))
    return await answer_question(question.question, deps=deps, options=options)


def _gold_chunks(question: Question, deps: Deps) -> tuple[Chunk, ...]:
    index = deps.collection.index
    documents = dict.fromkeys(id_ for gold in question.gold for id_ in gold.document_ids[:1])
    return tuple(index.fetch([chunk_id for document in documents for chunk_id in index.chunk_ids(document)]))


async def _closed_book(question: str, deps: Deps) -> Answer:
    budget = Budget()
    messages: list[Message] = [{"role": "system", "content": CLOSED_BOOK}, {"role": "user", "content": question}]
    reply = await deps.chat.complete(messages, max_tokens=deps.settings.answer.max_answer_tokens, budget=budget)
    draft = parse_draft(reply.text)
    ms = dict.fromkeys(("plan", "retrieve", "rerank", "verify"), 0.0)
    spent = round(budget.elapsed_s * 1000, 1)
    usage = Usage(
        budget.llm_calls, budget.prompt_tokens, budget.completion_tokens, {**ms, "write": spent, "total": spent}
    )
    said = replace(_no_answer(question), usage=usage)
    # Nothing is cited, so nothing can be vouched for: at best partial.
    return (
        said if draft.unknown else replace(said, answer=draft.text, short_answer=draft.short_answer, status="partial")
    )


def _no_answer(question: str) -> Answer:
    return Answer(question, "", "", "unanswerable", 0.0, (), (), (), (), Usage(), {})
