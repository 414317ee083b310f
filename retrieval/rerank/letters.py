"""Listwise reranking from one token's logits (FIRST, arXiv 2406.15657): the model picks among lettered passages.

The log-probabilities that the letters have as the reply's first token are the scores: one call ranks up to 20
passages and decodes a single token. Any server that reports log-probabilities will do; nothing is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.port import Ranking, by_place, keep_order
from retrieval.rerank.windows import climb, window_starts


@dataclass(frozen=True, slots=True)
class Letters:
    """A list longer than one window is ranked from its end, the better half moving up.

    Passages whose letter the server does not report stay, in input order, below those that have a score; a note counts
    them. A window in which fewer than two letters are reported, or all are equal, keeps its order; when every window is
    such, there is no ranking.
    """

    name: str = "letters"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """The order by places: log-probabilities of different windows do not compare."""
        ranked, why = False, ""

        async def rank_window(window: Sequence[int]) -> Sequence[int]:
            nonlocal ranked, why
            found = await asking.choose(window)
            if len(found) < 2 or len(set(found.values())) == 1:
                why = "all letters are equally likely" if len(found) > 1 else f"{len(found)} letters have a probability"
                return window
            ranked = True
            return sorted(window, key=lambda candidate: -found.get(candidate, float("-inf")))

        order = await climb(asking.n, rank_window)
        return by_place(order) if ranked else keep_order(asking.n, f"no ranking: {why}", valid=False)

    def most_calls(self, n: int) -> int:
        """One for each window: 1 + ceil((n - 20) / 10)."""
        return len(window_starts(n))
