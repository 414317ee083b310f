"""Permutation self-consistency (arXiv 2310.07712): rank the same candidates in several orders, and take the middle.

The middle is the order with the least sum of Kendall distances to the rankings (Kemeny's). Finding it exactly takes
exponential time; here a Borda count is improved by exchanging neighbours while a majority of the rankings agrees to
that (Dwork et al., WWW 2001), which keeps every majority between neighbours.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from hopcite.budget import Budget
from hopcite.types import Chunk
from retrieval.rerank.port import Ranking, Reranker, by_place, keep_order
from retrieval.rerank.together import together


class ShuffledReranker:
    """A reranker asked `times` times: with the candidates as they came, and in orders drawn from the question.

    The paper shuffles every time anew. Here one shuffle is turned further each time, so that even a few orders put
    every candidate in early and late places alike.
    """

    def __init__(self, reranker: Reranker, *, times: int) -> None:
        self.name = f"{reranker.name}+shuffled:{times}"
        self._reranker, self._times = reranker, times

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rankings that are not valid do not count; without a valid one, the result is none either."""
        n = len(candidates)
        if n < 2:
            return keep_order(n)
        shuffle = random.Random(query).sample(range(n), n)  # noqa: S311 - no secret
        # A short list has fewer orders than are asked for: none gets two votes.
        orders = list(map(list, dict.fromkeys(map(tuple, [range(n), *turned(shuffle, self._times - 1)]))))
        rankings = await together(
            self._reranker.rerank(query, [candidates[place] for place in order], budget=budget) for order in orders
        )
        agreed = [
            [order[place] for place in ranking.order]
            for order, ranking in zip(orders, rankings, strict=True)
            if ranking.valid
        ]
        notes = tuple(dict.fromkeys(note for ranking in rankings for note in ranking.notes))
        result = by_place(central_order(agreed)) if agreed else keep_order(n, valid=False)
        return replace(
            result,
            notes=notes,
            calls=sum(ranking.calls for ranking in rankings),
            prompt_tokens=sum(ranking.prompt_tokens for ranking in rankings),
            completion_tokens=sum(ranking.completion_tokens for ranking in rankings),
        )

    async def aclose(self) -> None:
        """Release the reranker."""
        await self._reranker.aclose()


def turned(order: Sequence[int], times: int) -> list[list[int]]:
    """The order begun at so many places, spread over it."""
    starts = [time * len(order) // times for time in range(times)]
    return [[*order[start:], *order[:start]] for start in starts]


def central_order(orders: Sequence[Sequence[int]]) -> list[int]:
    """An order between several of the same candidates 0…n-1. Ties go to the lower number."""
    places = [{candidate: place for place, candidate in enumerate(order)} for order in orders]
    middle = sorted(range(len(orders[0])), key=lambda candidate: sum(place[candidate] for place in places))

    def majority(one: int, other: int) -> bool:
        return 2 * sum(place[one] < place[other] for place in places) > len(places)

    # Insertion: each candidate rises while most rankings have it before its upper neighbour.
    for start in range(1, len(middle)):
        place = start
        while place and majority(middle[place], middle[place - 1]):
            middle[place - 1], middle[place] = middle[place], middle[place - 1]
            place -= 1
    return middle
