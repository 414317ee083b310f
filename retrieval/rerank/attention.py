"""The default reranker: in-context attention, with a model in this process. The method itself is in `in_context`."""

from __future__ import annotations

import asyncio
import functools
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.types import Chunk
from retrieval.rerank.port import Ranking, by_score, keep_order

if TYPE_CHECKING:
    from retrieval.rerank.in_context import InContextScorer, Prompt

T = TypeVar("T")

_PROMPT_TOKENS = 8192  # `in_context` makes no longer prompt
_AROUND = 712  # of these: the template and a question of 512
_LABEL = 10  # "[12] " and what stands between two passages


def passages_per_prompt(passage_tokens: int) -> int:
    """How many passages of so many tokens one prompt holds at least."""
    return max(1, (_PROMPT_TOKENS - _AROUND) // (passage_tokens + _LABEL))


class AttentionReranker:
    """Ranks by attention. The model is loaded by the first call that needs it, and takes one prompt at a time.

    Work runs in a thread of its own: the event loop stays free, and calls under way at once queue up. A call that is
    cancelled, or whose deadline passes, leaves the queue or stops at the next layer.
    """

    def __init__(self, load: Callable[[], InContextScorer], *, name: str) -> None:
        self.name = name
        self._load = load
        self._scorer: InContextScorer | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rerank")

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates. Raises `BudgetExhausted` before any work, or when the deadline cuts it short.

        Candidates beyond one prompt's limit are dealt out to several, each of which counts as a call.
        """
        if len(candidates) < 2:
            return keep_order(len(candidates))
        stop = threading.Event()
        try:
            with budget.reserve() as reserved:
                async with asyncio.timeout(None if math.isinf(reserved.remaining_s) else reserved.remaining_s):
                    return await self._rank(query, candidates, reserved, stop)
        except TimeoutError as exc:
            raise BudgetExhausted(
                f"Reranking {len(candidates)} passages outlasted the request's {budget.deadline_s:.1f} seconds; "
                "raise --deadline or lower rerank.passages."
            ) from exc
        finally:
            stop.set()

    async def _rank(self, query: str, candidates: Sequence[Chunk], budget: Budget, stop: threading.Event) -> Ranking:
        scorer = await self._in_thread(self._loaded)
        passages = [f"{chunk.heading}\n{chunk.text}" for chunk in candidates]
        prompts = await self._in_thread(lambda: scorer.prompts(query, passages))
        scores = [0.0] * len(candidates)
        begun: list[Prompt] = []

        def scored(prompt: Prompt) -> list[float]:
            begun.append(prompt)
            return scorer.score(prompt, stop=stop)

        budget.check(len(prompts), tokens=sum(prompt.tokens for prompt in prompts) or 1)
        with budget.reserve(len(prompts)) as reserved:
            for number, prompt in enumerate(prompts, start=1):
                reserved.check()
                try:
                    found = await self._in_thread(functools.partial(scored, prompt))
                finally:
                    if len(begun) == number:  # a call that leaves the queue costs nothing
                        reserved.charge(prompt_tokens=prompt.tokens)
                for candidate, score in zip(prompt.candidates, found, strict=True):
                    scores[candidate] = score
        ranking = by_score(scores, what="attention scores")
        return replace(ranking, calls=len(prompts), prompt_tokens=sum(prompt.tokens for prompt in prompts))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _loaded(self) -> InContextScorer:
        if self._scorer is None:
            self._scorer = self._load()
        return self._scorer

    async def aclose(self) -> None:
        """Let go of the model; work under way ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._scorer = None
