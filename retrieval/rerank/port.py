"""The port to a reranker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hopcite.budget import Budget
from hopcite.types import Chunk


@dataclass(frozen=True, slots=True)
class Ranking:
    """A reranker's verdict on N candidates.

    `scores` has one number per candidate in input order, higher is better; `order` is the permutation of 0…N-1, best
    first. `valid` is False when the model gave no usable ranking (all scores equal, labels missing, a failed call):
    `order` is then the input order and `notes` says why, so that it is never passed off as a ranking. `places_only`:
    the scores tell the order and no more, so that one that is half of another means nothing.
    """

    scores: tuple[float, ...]
    order: tuple[int, ...]
    valid: bool = True
    places_only: bool = False
    notes: tuple[str, ...] = ()
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Reranker(Protocol):
    """Orders passages by how much they help to answer a question.

    Several questions are ranked at once by awaiting their calls at once: `together(reranker.rerank(...) for ...)`. What
    is asked of a model in this process for labels is then one batch, a server gets the requests at once, and what fills
    the machine by itself (attention's prompt, 16 pairs of a cross-encoder) takes turns.
    """

    @property
    def name(self) -> str:
        """Method and model, for fingerprints and traces."""
        ...

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates, 0 and 1 included.

        Charges `budget`, and raises `BudgetExhausted` before starting work that it does not allow.
        """
        ...

    async def aclose(self) -> None:
        """Release the model."""
        ...


def keep_order(n: int, *notes: str, valid: bool = True) -> Ranking:
    """The input order as a `Ranking`, with scores n, n-1, … 1."""
    scores = tuple(float(n - i) for i in range(n))
    return Ranking(scores=scores, order=tuple(range(n)), valid=valid, places_only=True, notes=notes)


def by_place(order: Sequence[int]) -> Ranking:
    """A ranking that is known only as an order: scores n for the best, down to 1."""
    places = {candidate: place for place, candidate in enumerate(order)}
    scores = tuple(float(len(order) - places[candidate]) for candidate in range(len(order)))
    return Ranking(scores=scores, order=tuple(order), places_only=True)


def by_score(scores: Sequence[float | None], *, what: str = "scores") -> Ranking:
    """Highest first, ties in input order. Candidates without a score stand below the others, in input order.

    That is one that is None or not finite. Not valid when the scores say nothing: none is known, or all are equal.
    """
    scores = [score if score is not None and math.isfinite(score) else None for score in scores]
    known = [score for score in scores if score is not None]
    if not known:
        return keep_order(len(scores), f"no ranking: there are no {what}", valid=False)
    if len(known) == len(scores) and min(known) == max(known):
        return keep_order(len(scores), f"all {what} are equal", valid=False)
    # What has no score shares the lowest, so that scores never rise along the order.
    full = [min(known) if score is None else score for score in scores]
    order = sorted(range(len(full)), key=lambda candidate: (scores[candidate] is None, -full[candidate]))
    return Ranking(scores=tuple(full), order=tuple(order))
