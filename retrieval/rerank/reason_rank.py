"""ReasonRank (arXiv 2508.07050): a sliding window ranked by a model that thinks aloud before it writes the list.

The prompt is that of the trained checkpoints, with any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.parsing import completed
from retrieval.rerank.port import Ranking, by_place
from retrieval.rerank.trained import reason_rank
from retrieval.rerank.windows import climb, window_starts

THINKING_TOKENS = 3072  # as the paper's


@dataclass(frozen=True, slots=True)
class ReasonRank:
    """Windows of 20, moving up by 10."""

    name: str = "reason-rank"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """A window whose reply has no answer keeps its order."""
        tokens = asking.half_window(THINKING_TOKENS)

        async def rank_window(window: Sequence[int]) -> list[int]:
            messages = reason_rank(asking.query, asking.contents(window, reply_tokens=tokens))
            reply = await asking.written(messages, max_tokens=tokens, thinks=True)
            return completed(asking.picked(reply, window, wanted=len(window)), window)

        return by_place(await climb(asking.n, rank_window))

    def most_calls(self, n: int) -> int:
        """One for each window: 1 + ceil((n - 20) / 10)."""
        return len(window_starts(n))
