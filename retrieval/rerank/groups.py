"""Groupwise grading (GroupRank, arXiv 2511.11653): passages are graded 0 to 10 in view of others of their group.

The candidates are shuffled and dealt out to groups of at most 20, all graded at once; that is repeated, and a
passage's score is its mean grade. The paper's model is trained to reason first; this is its form for any model.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from hopcite.chat import Message
from retrieval.rerank.asking import Asking
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.together import together

_TOKENS_PER_GRADE = 10
_TOKENS_TO_SPARE = 16


class Grades(BaseModel):
    """What the model returns: the number of each passage, and its grade."""

    grades: dict[str, float]


@dataclass(frozen=True, slots=True)
class Groups:
    """`repeat` rounds of groups. A passage that its group's reply leaves out gets 0, as does one of a failed group."""

    name: str = "groups"
    size: int = 20
    repeat: int = 2
    exact: ClassVar[bool] = False

    async def rank(self, asking: Asking) -> Ranking:
        """All groups of all rounds at once."""
        groups = [group for round_ in range(self.repeat) for group in self._dealt(asking.query, asking.n, round_)]
        totals = [0.0] * asking.n
        for grades in await together(self._graded(asking, group) for group in groups):
            for candidate, grade in grades.items():
                totals[candidate] += grade / self.repeat
        return by_score(totals)

    def most_calls(self, n: int) -> int:
        """ceil(n / 20) for each round; a reply that does not fit the schema costs one more, for its repair."""
        return 2 * self.repeat * math.ceil(n / self.size)

    def _dealt(self, query: str, n: int, round_: int) -> list[list[int]]:
        """Groups of equal size, in an order that the query and the round decide."""
        order = list(range(n))
        random.Random(f"{round_}:{query}").shuffle(order)  # noqa: S311 - no secret
        count = math.ceil(n / self.size)
        return [order[first::count] for first in range(count)]

    async def _graded(self, asking: Asking, group: Sequence[int]) -> Mapping[int, float]:
        numbers = [str(number) for number in range(1, len(group) + 1)]
        tokens = _TOKENS_PER_GRADE * len(group) + _TOKENS_TO_SPARE
        listed = asking.listed(group, numbers, reply_tokens=tokens)
        found = await asking.parsed(prompt(asking.query, listed, len(group)), Grades, max_tokens=tokens)
        grades = _readable(found.grades, group) if found else {}
        foreign = len(found.grades) - len(grades) if found else 0
        asking.judge(useful=bool(grades), repairs=foreign + len(group) - len(grades) if grades else 0)
        return grades


def _readable(grades: Mapping[str, float], group: Sequence[int]) -> dict[int, float]:
    """By candidate: the finite grades of passages that exist, held to 0…10. "[3]" and "3" name the same passage."""
    places = {str(number): candidate for number, candidate in enumerate(group, start=1)}
    return {
        places[name]: min(10.0, max(0.0, grade))
        for label, grade in grades.items()
        if (name := label.strip("[] ")) in places and math.isfinite(grade)
    }


def prompt(query: str, listed: str, n: int) -> list[Message]:
    """Ask for a grade of every passage."""
    return [
        {
            "role": "system",
            "content": "You grade how much each of several passages helps to answer a question, in view of the others. "
            "You reply with JSON.",
        },
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassages:\n\n{listed}\n\nQuestion: {query}\n"
            f"Grade each of the {n} passages from 0 (no help at all) to 10 (it holds the answer). "
            'Reply with the grades by the passages\' numbers, in this form: {"grades": {"1": 5, "2": 0}}',
        },
    ]
