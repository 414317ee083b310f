"""Pairwise ranking prompting (PRP, arXiv 2306.17563): the model says which of two passages helps more.

Every pair is asked in both orders, since models favour a position; only when both agree does one passage win, else the
two tie. A pair that comes up again is not asked again. The answer is read from the letters' log-probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.heap import heap_top, most_steps
from retrieval.rerank.port import Ranking, by_place, by_score, keep_order
from retrieval.rerank.together import together

TOP = 10  # places that the sorting variants put in order, as in the paper


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Every pair is compared, all at once; the score is the wins and half the ties."""

    name: str = "pairwise-all"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """The order does not depend on the input order, but for equal scores."""
        duels = _Duels(asking)
        pairs = list(combinations(range(asking.n), 2))
        scores = [0.0] * asking.n
        for pair, winner in zip(pairs, await together(duels.winner(*pair) for pair in pairs), strict=True):
            for candidate in pair:
                scores[candidate] += 0.5 if winner is None else float(winner == candidate)
        return by_score(scores)

    def most_calls(self, n: int) -> int:
        """Two for each pair: n (n - 1)."""
        return n * (n - 1)


@dataclass(frozen=True, slots=True)
class PairwiseHeap:
    """Heap sort of the best `top`; the others keep their order below."""

    name: str = "pairwise-heap"
    top: int = TOP
    exact: ClassVar[bool] = False

    async def rank(self, asking: Asking) -> Ranking:
        """A tie counts as "not better"."""
        duels = _Duels(asking)

        async def best(few: Sequence[int]) -> int:
            champion = few[0]
            for challenger in few[1:]:
                if await duels.winner(champion, challenger) == challenger:
                    champion = challenger
            return champion

        return duels.ranking(await heap_top(asking.n, self.top, children=2, best=best))

    def most_calls(self, n: int) -> int:
        """Two comparisons of two calls for each level that a candidate sinks."""
        return 4 * most_steps(n, self.top, children=2)


@dataclass(frozen=True, slots=True)
class PairwiseSliding:
    """Passes of bubble sort from the end of the list, which bring the best `top` up in order."""

    name: str = "pairwise-sliding"
    top: int = TOP
    exact: ClassVar[bool] = False

    async def rank(self, asking: Asking) -> Ranking:
        """Neighbours change places only when both orders of asking agree that the lower one is better."""
        duels = _Duels(asking)
        order = list(range(asking.n))
        for _ in range(min(self.top, asking.n - 1)):
            for place in range(asking.n - 1, 0, -1):
                upper, lower = order[place - 1 : place + 1]
                if await duels.winner(upper, lower) == lower:
                    order[place - 1 : place + 1] = [lower, upper]
        return duels.ranking(order)

    def most_calls(self, n: int) -> int:
        """2 K (n - 1) for K passes, less what is not asked again."""
        return 2 * min(self.top, n - 1) * (n - 1)


class _Duels:
    """The pairs of one list, each asked once."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._known: dict[frozenset[int], int | None] = {}

    async def winner(self, one: int, other: int) -> int | None:
        """The better of the two; None for a tie."""
        pair = frozenset((one, other))
        if pair not in self._known:
            votes = await together([self._vote(one, other), self._vote(other, one)])
            self._known[pair] = votes[0] if votes[0] == votes[1] else None
        return self._known[pair]

    def ranking(self, order: Sequence[int]) -> Ranking:
        """The order as a ranking; not valid when no pair had a winner."""
        if all(winner is None for winner in self._known.values()):
            return keep_order(self._asking.n, "no ranking: every pair is a tie", valid=False)
        return by_place(order)

    async def _vote(self, first: int, second: int) -> int | None:
        found = await self._asking.choose([first, second])
        if len(set(found.values())) < len(found):
            return None
        return max(found, key=lambda candidate: found[candidate], default=None)
