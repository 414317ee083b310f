"""Late interaction (ColBERT, arXiv 2004.12832): each token of the question finds its best match in the passage.

A passage's score is the mean of those matches' cosines (MaxSim). No language model is asked. The token vectors are
those of the encoder, which was trained to compare whole texts, unless `encoder.model` names one that was trained for
this; they are made when a question comes, for the passages that are reranked, and nothing is stored for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrieval.rerank.passages import first_tokens

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

BATCH = 32


class LateInteractionScorer:
    """`retrieval.rerank.cross_encoder.PairScorer` by MaxSim over a sentence-transformers model's token vectors."""

    def __init__(self, load: Callable[[], SentenceTransformer]) -> None:
        self._model = load()

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Between -1 and 1 for each pair, 0 where one side is empty. Blocks."""
        queries = list(dict.fromkeys(query for query, _ in pairs))
        asked = dict(zip(queries, self._tokens(queries, self._model.encode_query), strict=True))
        passages = self._tokens([passage for _, passage in pairs], self._model.encode_document)
        return [max_sim(asked[query], passage) for (query, _), passage in zip(pairs, passages, strict=True)]

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens that the encoder reads; a question counts once."""
        texts = [*{query for query, _ in pairs}, *(passage for _, passage in pairs)]
        return sum(len(ids) for ids in self._encoded(texts)["input_ids"])

    def first_tokens(self, text: str, limit: int) -> str:
        """By the encoder's tokenizer."""
        return first_tokens(text, limit, self._model.tokenizer)

    def _tokens(self, texts: Sequence[str], encode: Callable[..., Any]) -> list[torch.Tensor]:
        """Unit vectors, tokens x width, of each text. What only marks its beginning and end is left out."""
        marks = self._encoded(texts)["special_tokens_mask"]
        vectors = encode(
            list(texts),
            output_value="token_embeddings",
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_numpy=False,
        )
        kept = [[n for n, mark in enumerate(own) if not mark] for own in marks]
        found = [text[places].float() for text, places in zip(vectors, kept, strict=True)]
        return [text / text.norm(dim=1, keepdim=True).clamp_min(1e-12) for text in found]

    def _encoded(self, texts: Sequence[str]) -> Any:
        return self._model.tokenizer(
            list(texts), truncation=True, max_length=self._model.max_seq_length, return_special_tokens_mask=True
        )


def max_sim(query: torch.Tensor, passage: torch.Tensor) -> float:
    """Mean over the query's tokens of the highest product with a token of the passage. Both are tokens x width."""
    if not len(query) or not len(passage):
        return 0.0
    return float((query @ passage.T).max(dim=1).values.mean())
