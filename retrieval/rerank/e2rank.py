"""E2Rank (arXiv 2510.22733): an embedding model ranks, by a query that tells of the passages too.

The first passages stand with the question in one prompt, as for listwise reranking, but nothing is generated: a
passage's score is the cosine between its embedding and the prompt's, each the state of its last token. The prompt is
that of the authors' evaluation (Alibaba-NLP/E2Rank, src/eval.py). Another model can be asked so too; it was not
trained for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from retrieval.rerank.causal import CausalModel
from retrieval.rerank.passages import first_tokens, harmless

INSTRUCTION = "Given a web search query and some relevant documents, rerank the documents that answer the query"
LISTED = 20  # passages in the prompt, as in the paper; all are scored
PROMPT_TOKENS = 8192
QUERY_TOKENS = 512
_END = "<|endoftext|>"  # ends a passage: the model was trained to say there what it holds
_AROUND = 128  # tokens of the template and the instruction
_LABEL = 10  # of "[12] " and the line break


class E2RankScorer:
    """`retrieval.rerank.cross_encoder.PairScorer` for whole lists: one question, passages in first-stage order."""

    def __init__(self, load: Callable[[], CausalModel]) -> None:
        self._model = load()
        self._end = self._model.special(_END)

    @torch.inference_mode()
    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """A cosine for each pair, from -1 to 1. Blocks."""
        states = {number: found[-1].float() for number, found in self._model.hidden([], self._texts(pairs))}
        query = states.pop(len(pairs))
        passages = torch.stack([states[number] for number in range(len(pairs))])
        return [float(score) for score in torch.cosine_similarity(passages, query.unsqueeze(0))]

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens computed: the prompt's, and those of each passage by itself."""
        return sum(map(len, self._texts(pairs)))

    def first_tokens(self, text: str, limit: int) -> str:
        """By the model's tokenizer."""
        return first_tokens(text, limit, self._model.tokenizer)

    def _texts(self, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Token ids of each passage, and of the prompt. Whitespace is joined up, as in the evaluation."""
        passages = [" ".join(passage.split()) for _, passage in pairs]
        prompt = self._model.conversation([{"role": "user", "content": self._prompt(pairs[0][0], passages[:LISTED])}])
        return [*(self._model.plain(passage) + self._end for passage in passages), prompt]

    def _prompt(self, query: str, passages: Sequence[str]) -> str:
        each = (PROMPT_TOKENS - QUERY_TOKENS - _AROUND) // len(passages) - _LABEL
        listed = [self.first_tokens(harmless(passage), each) for passage in passages]
        return prompt(self.first_tokens(query, QUERY_TOKENS), listed)


def prompt(query: str, passages: Sequence[str]) -> str:
    """The user's turn."""
    documents = "\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, start=1))
    return f"{INSTRUCTION}:\nDocuments:\n{documents}\nSearch Query: {query}"
