"""Qwen3-Reranker (arXiv 2506.05176): a language model trained to say whether a passage meets what a question asks.

The score is P(yes) / (P(yes) + P(no)) for the token after the template, exactly as the model card computes it. Other
models can be asked in this form too; they were not trained for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from hopcite.errors import ModelFileError
from retrieval.rerank.causal import CausalModel
from retrieval.rerank.passages import first_tokens
from retrieval.rerank.qwen3_template import PREFIX, SUFFIX, passage_part, query_part


class Qwen3Scorer:
    """`retrieval.rerank.cross_encoder.PairScorer` by yes or no. The template and the question are computed once."""

    def __init__(self, load: Callable[[], CausalModel]) -> None:
        """Raises `ModelFileError` for a model to which yes or no is not one token."""
        self._model = model = load()
        self._prefix, self._suffix = model.special(PREFIX), model.special(SUFFIX)
        answers = [model.plain(word) for word in ("no", "yes")]
        if any(len(ids) != 1 for ids in answers):
            raise ModelFileError("To rerank.model, yes and no are not one token each; choose another rerank.method.")
        self._rows = model.head[[ids[0] for ids in answers]].detach().float()

    @torch.inference_mode()
    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The probability of yes, for each pair. Blocks."""
        scores = [0.0] * len(pairs)
        for query in dict.fromkeys(query for query, _ in pairs):
            numbers = [number for number, (asked, _) in enumerate(pairs) if asked == query]
            prefix = self._prefix + self._model.plain(query_part(query))
            for place, states in self._model.hidden(prefix, [self._rest(pairs[number][1]) for number in numbers]):
                no_yes = (self._rows @ states[-1].float()).softmax(-1)
                scores[numbers[place]] = float(no_yes[1])
        return scores

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens computed: what the pairs of a question share counts once."""
        shared = sum(
            len(self._prefix + self._model.plain(query_part(query))) for query in {query for query, _ in pairs}
        )
        return shared + sum(len(self._rest(passage)) for _, passage in pairs)

    def first_tokens(self, text: str, limit: int) -> str:
        """By the model's tokenizer."""
        return first_tokens(text, limit, self._model.tokenizer)

    def _rest(self, passage: str) -> list[int]:
        return self._model.plain(passage_part(passage)) + self._suffix
