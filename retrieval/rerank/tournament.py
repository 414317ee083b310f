"""Tournaments (TourRank, arXiv 2406.11678): passages that get through a group stage gain a point.

Groups are seeded like those of a championship, so that the first stage's favourites do not meet early; the model picks
who gets through. Points of several tournaments, with other orders inside the groups, are added up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hopcite.chat import Message
from retrieval.rerank.asking import Asking
from retrieval.rerank.parsing import completed
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.together import together

_SURVIVORS = (50, 20, 10, 5, 2)  # after each stage, in the paper's tournament of 100
_WORTHWHILE = 0.75  # a stage that would send fewer than a quarter home is left out
_TOKENS_PER_PICK = 6
_TOKENS_TO_SPARE = 16


@dataclass(frozen=True, slots=True)
class Stage:
    """`entrants` in so many `groups`, of which `survivors` go on."""

    entrants: int
    groups: int
    survivors: int


@dataclass(frozen=True, slots=True)
class Tournament:
    """`rounds` tournaments at once. With 100 candidates each is the paper's: 13 calls in five stages."""

    name: str = "tournament"
    rounds: int = 2
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """By points; equal points keep the input order."""
        points = [0.0] * asking.n
        for gained in await together(self._played(asking, round_) for round_ in range(self.rounds)):
            for candidate in gained:
                points[candidate] += 1
        return by_score(points)

    def most_calls(self, n: int) -> int:
        """The groups of all stages, for each tournament."""
        return self.rounds * sum(stage.groups for stage in stages(n))

    async def _played(self, asking: Asking, round_: int) -> list[int]:
        """Candidates, once for each stage that they got through."""
        gained: list[int] = []
        inside = list(range(asking.n))
        for number, stage in enumerate(stages(asking.n)):
            groups = [inside[first :: stage.groups] for first in range(stage.groups)]
            for place, group in enumerate(groups):
                random.Random(f"{round_}:{number}:{place}:{asking.query}").shuffle(group)  # noqa: S311 - no secret
            wanted = [stage.survivors // stage.groups + (place < stage.survivors % stage.groups)
                      for place in range(stage.groups)]  # fmt: skip
            picked = await together(map(_picked, [asking] * stage.groups, groups, wanted))
            inside = sorted(candidate for group in picked for candidate in group)
            gained += inside
        return gained


def stages(n: int) -> Iterator[Stage]:
    """The stages for n candidates: 20 a group, or 10 where no more than 50 are left; up to 20 are one group."""
    if n == 2:
        yield Stage(2, 1, 1)
    for survivors in _SURVIVORS:
        if survivors < n and (survivors <= _WORTHWHILE * n or survivors == _SURVIVORS[-1]):
            yield Stage(n, 1 if n <= 20 else math.ceil(n / (20 if n > 50 else 10)), survivors)
            n = survivors


async def _picked(asking: Asking, group: Sequence[int], wanted: int) -> list[int]:
    numbers = [str(number) for number in range(1, len(group) + 1)]
    tokens = _TOKENS_PER_PICK * wanted + _TOKENS_TO_SPARE
    listed = asking.listed(group, numbers, reply_tokens=tokens)
    reply = await asking.written(prompt(asking.query, listed, len(group), wanted), max_tokens=tokens)
    # Places that the reply leaves open go to the first stage's favourites.
    return completed(asking.picked(reply, group, wanted=wanted), sorted(group))[:wanted]


def prompt(query: str, listed: str, n: int, wanted: int) -> list[Message]:
    """Ask for the numbers of the best `wanted` of n passages."""
    return [
        {
            "role": "system",
            "content": "You select the passages that help most to answer a question. You reply with numbers only.",
        },
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassages:\n\n{listed}\n\nQuestion: {query}\n"
            f"Which {wanted} of these {n} passages help most to answer it? Reply with exactly {wanted} numbers, "
            "best first, in this form: [2], [1]. Write nothing else.",
        },
    ]
