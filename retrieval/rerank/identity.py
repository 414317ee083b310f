"""No reranking: the control that every reranker is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from hopcite.budget import Budget
from hopcite.types import Chunk
from retrieval.rerank.port import Ranking, keep_order


class IdentityReranker:
    """Keeps the first stage's order, at no cost."""

    name = "none"

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:  # noqa: ARG002 - the port
        """The order as it came."""
        return keep_order(len(candidates))

    async def aclose(self) -> None:
        """Nothing to release."""
