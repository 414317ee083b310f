"""Reading the answer of a step from its passages, a few at a time.

What else is read misleads a small writer, so where the step's own words name its best passages, these are read alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from agent.context import Context
from agent.evidence import without_examples
from agent.lifespan import life_date
from agent.merge import distinct
from agent.node import reserve, shown
from agent.signals import answer_likelihood
from agent.write import answer_step
from hopcite.errors import BudgetExhausted
from hopcite.types import Chunk, Hit, Step
from retrieval.names import phrases_in, title_key

# Passages of a step that are read at once.
STEP_PASSAGES = 3
# An answer that is likelier is not looked for in further passages (docs/decisions.md, "What a step reads").
_LIKELY = 0.5


class _Portion(NamedTuple):
    """Passages that are read at once; `named`: those alone whose titles the step names."""

    passages: list[Chunk]
    named: bool = False


Reading = tuple[str, float | None]
"""A step's answer, empty where there is none, and its probability."""


async def read_steps(
    steps: Sequence[Step], found: Mapping[str, Sequence[Hit]], context: Context
) -> dict[str, list[Reading]]:
    """Each step's readings, by id, all steps at once: the passages that it names, then the first three, then the next.

    A reading that tells enough is a step's last. Raises `BudgetExhausted` where the calls left do not allow the first
    ones; later ones are then left out.
    """
    left = {step.id: _portions(step, found[step.id], context) for step in steps}
    read: dict[str, list[Reading]] = {step.id: [] for step in steps}
    while waiting := [step for step in steps if left[step.id]]:
        portions = [left[step.id].pop(0) for step in waiting]
        try:
            replies = await _read_at_once(waiting, [portion.passages for portion in portions], context)
        except BudgetExhausted:
            if any(read.values()):
                break
            raise
        for step, portion, reply in zip(waiting, portions, replies, strict=True):
            read[step.id].append(reply)
            if _settled(reply, named=portion.named):
                left[step.id].clear()
    return read


def best(readings: Sequence[Reading]) -> Reading:
    """The likeliest answer of a step; the first of those whose probability no server told."""
    return max(readings, key=lambda reading: (reading[0] != "", reading[1] or 0.0), default=("", None))


def _portions(step: Step, hits: Sequence[Hit], context: Context) -> list[_Portion]:
    passages = [passage.seen for passage in shown(list(distinct(hits)), context)]
    first, further = passages[:STEP_PASSAGES], passages[STEP_PASSAGES : 2 * STEP_PASSAGES]
    names = set(phrases_in(step.question))
    alone = list(takewhile(lambda passage: title_key(passage.title) in names, first))
    portions = [_Portion(alone, named=True)] if len(alone) < len(first) else []
    return [portion for portion in (*portions, _Portion(first), _Portion(further)) if portion.passages]


def _settled(reading: Reading, *, named: bool) -> bool:
    answer, likelihood = reading
    return bool(answer) and (named or likelihood is None or likelihood >= _LIKELY)


async def _read_at_once(steps: Sequence[Step], portions: Sequence[Sequence[Chunk]], context: Context) -> list[Reading]:
    dates = [life_date(step.question, portion) for step, portion in zip(steps, portions, strict=True)]
    if not all(dates):
        reserve(context, calls=dates.count(""))
    read = (
        _read(step.question, date, portion, context) for step, date, portion in zip(steps, dates, portions, strict=True)
    )
    return await asyncio.gather(*read)


async def _read(question: str, date: str, passages: Sequence[Chunk], context: Context) -> Reading:
    """The date where a passage told it plainly, else what the model reads, with its probability."""
    if date:
        return date, 1.0
    reply = await answer_step(question, passages, chat=context.deps.chat, budget=context.budget)
    return without_examples(reply.short_answer, passages, question), answer_likelihood(reply)
