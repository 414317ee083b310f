"""Any reranker fused with the first stage, whose opinion is the order in which the candidates came.

Where the reranker's scores are amounts, a candidate gets its share of the best score, so that the result still tells
how much it has to do with the query (docs/decisions.md, "Fusing the reranker with the first stage"). Where they are
places, both orders are fused by reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hopcite.budget import Budget
from hopcite.types import Chunk
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.rerank.port import Ranking, Reranker, by_place, by_score

_PLACE_K = 10  # the first stage's 20th candidate has 11/30 of its first one's share


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
        fused = (
            self._by_places(ranking) if ranking.places_only or max(ranking.scores) <= 0 else self._by_shares(ranking)
        )
        return replace(ranking, scores=fused.scores, order=fused.order, places_only=fused.places_only)

    def _by_shares(self, ranking: Ranking) -> Ranking:
        best = max(ranking.scores)
        places = [(_PLACE_K + 1) / (_PLACE_K + place) for place in range(1, len(ranking.scores) + 1)]
        weight = self._weight
        return by_score([(1 - weight) * s / best + weight * p for s, p in zip(ranking.scores, places, strict=True)])

    def _by_places(self, ranking: Ranking) -> Ranking:
        orders = [ranking.order, range(len(ranking.order))]
        weights = [1 - self._weight, self._weight]
        return by_place([candidate for candidate, _ in reciprocal_rank_fusion(orders, k=self._k, weights=weights)])

    async def aclose(self) -> None:
        """Release the reranker."""
        await self._reranker.aclose()
