"""ERank (arXiv 2509.00520): pointwise grades from 0 to 10 by a model that thinks aloud before each.

The prompt is that of the trained checkpoints, with any model. `grades` is the same without thinking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrieval.rerank.asking import Asking
from retrieval.rerank.parsing import grade
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.together import together
from retrieval.rerank.trained import erank

THINKING_TOKENS = 4096  # as the paper's
_HIGHEST = 10


@dataclass(frozen=True, slots=True)
class ERank:
    """Equal grades keep the input order. A passage whose reply has no grade has no score."""

    name: str = "erank"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """Grade every passage by itself, all at once."""
        return by_score(await together(self._score(asking, candidate) for candidate in range(asking.n)), what="grades")

    def most_calls(self, n: int) -> int:
        """One for each candidate."""
        return n

    async def _score(self, asking: Asking, candidate: int) -> float | None:
        tokens = asking.half_window(THINKING_TOKENS)
        messages = erank(asking.query, asking.contents([candidate], reply_tokens=tokens))
        found = grade(await asking.written(messages, max_tokens=tokens, thinks=True), highest=_HIGHEST)
        asking.judge(useful=found is not None)
        return found
