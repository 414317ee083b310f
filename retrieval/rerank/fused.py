"""Any reranker fused with the first stage: its order and that in which the candidates came, by reciprocal ranks.

Cormack, Clarke and Büttcher, SIGIR 2009. Ranks and not scores are fused: the first stage's scores are themselves fused
ranks, and those of most methods are places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hopcite.budget import Budget
from hopcite.types import Chunk
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.rerank.port import Ranking, Reranker


class FusedReranker:
    """`weight` is the first stage's share: 0 leaves the reranker's order, 1 the first stage's."""

    def __init__(self, reranker: Reranker, *, weight: float, rrf_k: int) -> None:
        self.name = f"{reranker.name}+fused:{weight:g}"
        self._reranker, self._weight, self._k = reranker, weight, rrf_k

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """A ranking that is not valid is handed on as it is."""
        ranking = await self._reranker.rerank(query, candidates, budget=budget)
        if not ranking.valid or len(candidates) < 2:
            return ranking
        orders = [ranking.order, range(len(candidates))]
        fused = dict(reciprocal_rank_fusion(orders, k=self._k, weights=[1 - self._weight, self._weight]))
        scores = tuple(fused[candidate] for candidate in range(len(candidates)))
        return replace(ranking, scores=scores, order=tuple(fused))

    async def aclose(self) -> None:
        """Release the reranker."""
        await self._reranker.aclose()
