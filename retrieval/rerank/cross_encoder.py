"""Cross-encoder (Nogueira and Cho, arXiv 1901.04085): a model trained to score a question and a passage together.

Through sentence-transformers, in this process; bge-reranker-v2-m3, for one. Its weights come from a local folder or
from the hub.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted, ModelFileError
from hopcite.types import Chunk
from retrieval.devices import usable_device
from retrieval.rerank.passages import PASSAGE_TOKENS, first_tokens
from retrieval.rerank.port import Ranking, by_score, keep_order

BATCH = 16


class PairScorer(Protocol):
    """Scores pairs of a question and a passage."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One number a pair, higher is better. Blocks."""
        ...

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens that scoring these pairs reads."""
        ...

    def first_tokens(self, text: str, limit: int) -> str:
        """The beginning of a text, at most so many tokens long."""
        ...


class CrossEncoderReranker:
    """Ranks by a scorer that the first call loads. Work runs in a thread of its own, a batch at a time.

    One list is one call of the budget: nothing is asked of a language model. `whole`: the scorer needs all of a list
    at once, in its order; a deadline then ends the wait for it, and not its work.
    """

    def __init__(
        self,
        load: Callable[[], PairScorer],
        *,
        name: str,
        notes: tuple[str, ...] = (),
        passage_tokens: int = PASSAGE_TOKENS,
        whole: bool = False,
    ) -> None:
        self.name = name
        self._notes, self._passage_tokens, self._whole = notes, passage_tokens, whole
        self._load = load
        self._scorer: PairScorer | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cross-encoder")

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates. Raises `BudgetExhausted` at the deadline, `ModelFileError`."""
        if len(candidates) < 2:
            return keep_order(len(candidates))
        pairs = [(query, f"{chunk.heading}\n{chunk.text}".strip()) for chunk in candidates]
        with budget.reserve() as call:
            try:
                async with asyncio.timeout(None if math.isinf(call.remaining_s) else call.remaining_s):
                    scores, tokens = await self._scored(pairs)
            except TimeoutError as exc:
                raise BudgetExhausted(
                    f"Reranking {len(pairs)} passages outlasted the request; raise --deadline."
                ) from exc
            call.charge(prompt_tokens=tokens)
        ranking = by_score(scores)
        return replace(ranking, notes=(*ranking.notes, *self._notes), calls=1, prompt_tokens=tokens)

    async def _scored(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[float], int]:
        """The score of each pair, and the tokens of all."""
        loop = asyncio.get_running_loop()
        scorer, pairs = await loop.run_in_executor(self._thread, self._prepared, pairs)
        scores = [0.0] * len(pairs)
        lengths = [len(passage) for _, passage in pairs]
        for batch in [list(range(len(pairs)))] if self._whole else _batches(lengths):
            found = await loop.run_in_executor(self._thread, scorer.score, [pairs[number] for number in batch])
            for number, score in zip(batch, found, strict=True):
                scores[number] = score
        return scores, await loop.run_in_executor(self._thread, scorer.count_tokens, pairs)

    def _prepared(self, pairs: Sequence[tuple[str, str]]) -> tuple[PairScorer, list[tuple[str, str]]]:
        """The scorer, and the pairs with their passages cut."""
        if self._scorer is None:
            self._scorer = self._load()
        scorer = self._scorer
        return scorer, [(query, scorer.first_tokens(passage, self._passage_tokens)) for query, passage in pairs]

    async def aclose(self) -> None:
        """Let go of the model."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._scorer = None


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Numbers of pairs, those of similar length in a batch, so that little of it is padding."""
    by_length = sorted(range(len(lengths)), key=lambda number: lengths[number], reverse=True)
    return [by_length[start : start + BATCH] for start in range(0, len(lengths), BATCH)]


class SentenceTransformersScorer:
    """A cross-encoder of sentence-transformers."""

    def __init__(self, model: str, *, device: str) -> None:
        """Open a local folder or a model of the hub; `ModelFileError` when it is neither here nor to be had."""
        from sentence_transformers import CrossEncoder

        try:
            self._model = CrossEncoder(model, device=usable_device(device, setting="rerank.device"))
        except (OSError, ValueError) as exc:
            raise ModelFileError(
                f"The cross-encoder {model!r} cannot be loaded; name a folder that holds its files in rerank.model, "
                "or choose another rerank.method."
            ) from exc

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The model's scores as it gives them."""
        found = self._model.predict(list(pairs), batch_size=BATCH, show_progress_bar=False)
        return [float(score) for score in found]

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """As the model's tokenizer cuts and counts them."""
        encoded = self._model.tokenizer(
            [query for query, _ in pairs], [passage for _, passage in pairs], truncation=True, padding=False
        )
        return sum(len(ids) for ids in encoded["input_ids"])

    def first_tokens(self, text: str, limit: int) -> str:
        """By the model's tokenizer."""
        return first_tokens(text, limit, self._model.tokenizer)
