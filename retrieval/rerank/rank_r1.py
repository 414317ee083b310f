"""Rank-R1 (arXiv 2503.06034): setwise ranking by a model that thinks aloud before it names the best of 20 passages.

The prompt is that of the trained checkpoints, with any model: its authors ask untrained ones so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.heap import heap_top, most_steps
from retrieval.rerank.port import Ranking, by_place
from retrieval.rerank.trained import rank_r1

THINKING_TOKENS = 2048  # as the paper's


@dataclass(frozen=True, slots=True)
class RankR1:
    """Heap sort of the best `top`, with `children` below each node as in the paper; the others keep their order."""

    name: str = "rank-r1"
    top: int = 10
    children: int = 19
    exact: ClassVar[bool] = False

    async def rank(self, asking: Asking) -> Ranking:
        """A reply without an answer leaves a candidate where it is; of several passages in one, the first counts."""
        tokens = asking.half_window(THINKING_TOKENS)

        async def best(few: Sequence[int]) -> int:
            messages = rank_r1(asking.query, asking.contents(few, reply_tokens=tokens))
            reply = await asking.written(messages, max_tokens=tokens, thinks=True)
            return [*asking.picked(reply, few, wanted=1), few[0]][0]

        return by_place(await heap_top(asking.n, self.top, children=self.children, best=best))

    def most_calls(self, n: int) -> int:
        """One for each level that a candidate sinks: 10 for 20 candidates."""
        return most_steps(n, self.top, children=self.children)
