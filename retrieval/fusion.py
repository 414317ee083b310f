"""Reciprocal rank fusion: one ranking from several, by ranks alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[T]], *, k: int, weights: Sequence[float] | None = None
) -> list[tuple[T, float]]:
    """Items with the sum of weight / (k + rank) over the rankings that hold them, best first.

    Ranks count from 1; an item that a ranking repeats counts at its first place. Ties keep the order of appearance.
    Cormack, Clarke and Büttcher, SIGIR 2009, with their k = 60.
    """
    scores: dict[T, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
