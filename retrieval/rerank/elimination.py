"""Elimination (IRanker, arXiv 2506.21638): the passage that helps least leaves the list, again and again.

The paper's model is trained to reason about each choice; here the letter of the passage to leave is read from the
log-probabilities, with any model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.port import Ranking, by_place
from retrieval.rerank.prompts import LETTERS


@dataclass(frozen=True, slots=True)
class Elimination:
    """Of a long list, the last 20 that are left are shown: the first 19 places are as if all were, the rest nearly so.

    When a reply says nothing, the last of the list leaves.
    """

    name: str = "elimination"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """One passage leaves with each call."""
        left, gone = list(range(asking.n)), []
        while len(left) > 1:
            shown = left[-len(LETTERS) :]
            found = await asking.choose(shown, least=True)
            # Of equals the last one leaves.
            worst = max(reversed(shown), key=lambda candidate: found.get(candidate, float("-inf")))
            left.remove(worst)
            gone.append(worst)
        return by_place([*left, *reversed(gone)])

    def most_calls(self, n: int) -> int:
        """One for each candidate but the last, n - 1, one after the other."""
        return max(0, n - 1)
