"""Setwise ranking (arXiv 2310.09497): the best of four passages in one call, and a heap over that.

The answer is the letter with the highest log-probability; nothing is generated beyond one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.heap import heap_top, most_steps
from retrieval.rerank.port import Ranking, by_place


@dataclass(frozen=True, slots=True)
class Setwise:
    """Heap sort of the best `top`, with `children` below each node as in the paper; the others keep their order."""

    name: str = "setwise"
    top: int = 10
    children: int = 3
    exact: ClassVar[bool] = False

    async def rank(self, asking: Asking) -> Ranking:
        """A reply that says nothing leaves a candidate where it is."""

        async def best(few: Sequence[int]) -> int:
            found = await asking.choose(few)
            return max(few, key=lambda candidate: found.get(candidate, float("-inf")))

        return by_place(await heap_top(asking.n, self.top, children=self.children, best=best))

    def most_calls(self, n: int) -> int:
        """One for each level that a candidate sinks."""
        return most_steps(n, self.top, children=self.children)
