"""Two rerankers in a row: a cheap one for all candidates, a better one for those that it puts first.

Nogueira et al., arXiv 1910.14424; DeAR, arXiv 2508.16998.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.types import Chunk
from retrieval.rerank.port import Ranking, Reranker, by_place


class CascadeReranker:
    """`first` ranks all candidates, then `second` the best `passages` of them; the others keep their places below."""

    def __init__(self, first: Reranker, second: Reranker, *, passages: int) -> None:
        self.name = f"{first.name}+then:{second.name}:{passages}"
        self._first, self._second, self._passages = first, second, passages

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Valid when one of the two rankings is; what the other could not decide stays as it came to it.

        A budget that ends between the two leaves the first ranking.
        """
        first = await self._first.rerank(query, candidates, budget=budget)
        best = first.order[: self._passages]
        try:
            second = await self._second.rerank(query, [candidates[place] for place in best], budget=budget)
        except BudgetExhausted as exc:
            return replace(first, notes=(*first.notes, f"{self._second.name} did not run: {exc}"))
        order = (*(best[place] for place in second.order), *first.order[self._passages :])
        return replace(
            by_place(order),
            valid=first.valid or second.valid,
            notes=(*first.notes, *second.notes),
            calls=first.calls + second.calls,
            prompt_tokens=first.prompt_tokens + second.prompt_tokens,
            completion_tokens=first.completion_tokens + second.completion_tokens,
        )

    async def aclose(self) -> None:
        """Release both."""
        await self._first.aclose()
        await self._second.aclose()
