"""What the nodes of the graph have in common: their outcome, their share of the budget, and how they search."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.cite import MOST_CLAIMS
from agent.context import Context
from agent.drafts import written
from agent.evidence import Screened, screened, withheld, without_prompt
from agent.state import State
from agent.write import Draft
from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.types import Hit, StepStatus

# What an answer from five passages takes, near enough: kept for it where a request has a ceiling of tokens.
WRITER_TOKENS = 2500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a node changes of the state, and its line in the trace."""

    change: State
    detail: dict[str, object] = field(default_factory=dict)


async def searched(questions: Sequence[str], context: Context) -> list[tuple[Hit, ...]]:
    """The hits of each question, all in one batch."""
    collection, settings = context.deps.collection, context.deps.settings
    results = await asyncio.to_thread(
        collection.search, questions, limit=settings.search.candidates, within=context.options.within
    )
    return [tuple(hits) for hits in results]


def shown(hits: Sequence[Hit], context: Context) -> list[Screened]:
    """The hits' passages as models may see them."""
    return screened((hit.chunk for hit in hits), defences=context.options.defences)


def reserve(context: Context, *, calls: int) -> None:
    """Refuse to start unless a call is left beside the `calls` of the stages that must follow."""
    if context.budget.remaining_calls <= calls:
        raise BudgetExhausted(f"{calls} model calls are kept for the answer; raise --max-llm-calls.")
    context.budget.check()


def beside_the_writer(context: Context) -> Budget:
    """The budget, but for what an answer takes: a reply that must be asked for twice does not cost the answer."""
    return context.budget.within(context.budget.remaining_s, keep_calls=1, keep_tokens=WRITER_TOKENS)


def drafted(
    draft: Draft, passages: Sequence[Screened], state: State, context: Context, *, most: int = MOST_CLAIMS
) -> Outcome:
    """One more draft, its first `most` sentences tied to the passages that it was written from."""
    if context.options.defences:
        draft = without_prompt(draft, passages, state["question"])
    stored = [passage.stored for passage in passages]
    made = written(draft, stored, question=state["question"], withheld=withheld(passages), most=most)
    detail = {
        "shown": [chunk.id for chunk in stored],
        "short_answer": draft.short_answer,
        "unknown": draft.unknown,
        "likelihood": made.likelihood,
        "borne_out": made.borne_out,
    }
    return Outcome({"drafts": (*state.get("drafts", ()), made)}, detail)


def status_of(hits: Sequence[Hit]) -> StepStatus:
    """What a search has come to."""
    return "found" if hits else "no_evidence"


def ids_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """The chunks that were found."""
    return tuple(hit.chunk.id for hit in hits)
