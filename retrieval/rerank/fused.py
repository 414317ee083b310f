"""A reranker's ranking fused with what the first stage thinks of the candidates.

Where the reranker's scores are amounts, a candidate gets its share of the best score, and so it does of the first
stage's, so that the result still tells how much it has to do with the query (docs/decisions.md, "Fusing the reranker
with the first stage"). Where they are places, both orders are fused by reciprocal ranks (Cormack, Clarke and Büttcher,
SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrieval.fusion import reciprocal_rank_fusion
from retrieval.rerank.port import Ranking, by_place, by_score

_PLACE_K = 10  # the first stage's 20th candidate has 11/30 of its first one's share


def fused(ranking: Ranking, first: Sequence[float] | None = None, *, weight: float, rrf_k: int) -> Ranking:
    """A ranking fused with the first stage, whose order is that of the candidates.

    `first`: its scores, where they are amounts; else its places stand for them. `weight` is its share: 0 leaves the
    reranker's order, 1 the first stage's. A ranking that is not valid is handed on as it is.
    """
    if weight == 0 or not ranking.valid or len(ranking.order) < 2:
        return ranking
    if ranking.places_only or max(ranking.scores) <= 0:
        orders = [ranking.order, range(len(ranking.order))]
        both = reciprocal_rank_fusion(orders, k=rrf_k, weights=[1 - weight, weight])
        new = by_place([candidate for candidate, _ in both])
    else:
        shares = zip(_shares(ranking.scores), _first_shares(first, len(ranking.scores)), strict=True)
        new = by_score([(1 - weight) * share + weight * before for share, before in shares])
    return replace(ranking, scores=new.scores, order=new.order, places_only=new.places_only)


def _first_shares(first: Sequence[float] | None, n: int) -> list[float]:
    if first is None or max(first) <= 0:
        return [(_PLACE_K + 1) / (_PLACE_K + place) for place in range(1, n + 1)]
    return _shares(first)


def _shares(scores: Sequence[float]) -> list[float]:
    best = max(scores)
    return [score / best for score in scores]
