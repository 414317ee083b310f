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
        """The reranker's ranking, fused."""
        ranking = await self._reranker.rerank(query, candidates, budget=budget)
        return fused(ranking, weight=self._weight, rrf_k=self._k)

    async def aclose(self) -> None:
        """Release the reranker."""
        await self._reranker.aclose()


def fused(ranking: Ranking, *, weight: float, rrf_k: int) -> Ranking:
    """A ranking with the first stage's order. One that is not valid is handed on as it is."""
    if not ranking.valid or len(ranking.order) < 2:
        return ranking
    by_places = ranking.places_only or max(ranking.scores) <= 0
    new = _by_places(ranking, weight, rrf_k) if by_places else _by_shares(ranking, weight)
    return replace(ranking, scores=new.scores, order=new.order, places_only=new.places_only)


def _by_shares(ranking: Ranking, weight: float) -> Ranking:
    best = max(ranking.scores)
    places = [(_PLACE_K + 1) / (_PLACE_K + place) for place in range(1, len(ranking.scores) + 1)]
    return by_score([(1 - weight) * s / best + weight * p for s, p in zip(ranking.scores, places, strict=True)])


def _by_places(ranking: Ranking, weight: float, rrf_k: int) -> Ranking:
    orders = [ranking.order, range(len(ranking.order))]
    both = reciprocal_rank_fusion(orders, k=rrf_k, weights=[1 - weight, weight])
    return by_place([candidate for candidate, _ in both])
