"""Listwise reranking by a written ranking: in a sliding window (RankGPT, arXiv 2304.09542), or the whole list at once.

The latter is FullRank, arXiv 2412.14574. The model writes "[2] > [1] > …". Whatever it writes, every passage is ranked
exactly once: numbers that are missing, repeated or no passage's are mended and counted in the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hopcite.chat import Message
from retrieval.rerank.asking import Asking
from retrieval.rerank.parsing import completed
from retrieval.rerank.port import Ranking, by_place
from retrieval.rerank.windows import WINDOW, climb, window_starts

_TOKENS_PER_PLACE = 6  # "[12] > " in tokenizers that take each digit by itself
_TOKENS_TO_SPARE = 16


@dataclass(frozen=True, slots=True)
class Listwise:
    """Windows of `window`, moving up by half of it; `window` None: one window for the whole list.

    The paper's chat of one message for each passage is a single message here.
    """

    name: str = "listwise"
    window: int | None = WINDOW
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """A window whose reply names no passage keeps its order."""

        async def rank_window(window: Sequence[int]) -> list[int]:
            numbers = [str(number) for number in range(1, len(window) + 1)]
            tokens = _TOKENS_PER_PLACE * len(window) + _TOKENS_TO_SPARE
            messages = asking.trained(window, reply_tokens=tokens) or prompt(
                asking.query, asking.listed(window, numbers, reply_tokens=tokens), len(window)
            )
            reply = await asking.written(messages, max_tokens=tokens)
            return completed(asking.picked(reply, window, wanted=len(window)), window)

        return by_place(await climb(asking.n, rank_window, window=self.window or asking.n))

    def most_calls(self, n: int) -> int:
        """One for each window: 1 + ceil((n - 20) / 10), or 1."""
        return len(window_starts(n, window=self.window or n))


def full_ranking() -> Listwise:
    """The whole list in one call; passages are cut so that they fit the model's window."""
    return Listwise("full-ranking", window=None)


def prompt(query: str, listed: str, n: int) -> list[Message]:
    """Ask for all n numbers, best first."""
    return [
        {
            "role": "system",
            "content": "You rank passages by how much they help to answer a question. You reply with the ranking only.",
        },
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassages:\n\n{listed}\n\nQuestion: {query}\n"
            f"Rank all {n} passages, the one that helps most first, by their numbers, in this form: [2] > [1]. "
            "Write nothing else.",
        },
    ]
