"""Query likelihood (UPR, arXiv 2204.07496): how probable the question is to a model that has just read the passage.

The score is the mean log-probability of the question's tokens after a request to write a question about the passage.
It needs the probabilities of tokens of the prompt, which chat endpoints do not report, so the model runs in process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from retrieval.rerank.causal import CausalModel
from retrieval.rerank.passages import first_tokens

REQUEST = "\n\nPlease write a question based on this passage."
QUERY_TOKENS = 512
_PLACE = "\x00passage\x00"


class QueryLikelihoodScorer:
    """`retrieval.rerank.cross_encoder.PairScorer`. What stands before the passage is computed once for all pairs."""

    def __init__(self, load: Callable[[], CausalModel]) -> None:
        self._model = model = load()
        before, after = _around(model.tokenizer)
        self._prefix = model.special(before) + model.plain("Passage: ")
        self._after = model.plain(REQUEST) + (model.special(after) if after else model.plain("\n"))

    @torch.inference_mode()
    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Mean log-probability of each question's tokens, given its passage: at most 0. Blocks."""
        scores = [0.0] * len(pairs)
        queries = [self._query(query) for query, _ in pairs]
        rests = [self._before_query(passage) + query for (_, passage), query in zip(pairs, queries, strict=True)]
        for number, states in self._model.hidden(self._prefix, rests):
            query = queries[number]
            if query:
                # The state before a token tells what the model expects there.
                logits = states[-len(query) - 1 : -1].to(self._model.head.dtype) @ self._model.head.T
                expected = logits.float().log_softmax(-1)
                scores[number] = float(expected[range(len(query)), query].mean())
        return scores

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens computed."""
        rests = sum(len(self._before_query(passage)) + len(self._query(query)) for query, passage in pairs)
        return len(self._prefix) + rests

    def first_tokens(self, text: str, limit: int) -> str:
        """By the model's tokenizer."""
        return first_tokens(text, limit, self._model.tokenizer)

    def _before_query(self, passage: str) -> list[int]:
        return self._model.plain(passage) + self._after

    def _query(self, query: str) -> list[int]:
        return self._model.plain(query)[:QUERY_TOKENS]


def _around(tokenizer: object) -> tuple[str, str]:
    """What the model's chat template puts before the user's words and between them and the reply; else nothing."""
    if not getattr(tokenizer, "chat_template", None):
        return "", ""
    messages = [{"role": "user", "content": _PLACE}]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)  # type: ignore[attr-defined] # of transformers
    before, _, after = str(rendered).partition(_PLACE)
    return before, after
