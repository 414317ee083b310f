"""Listwise reranking from one token's logits (FIRST, arXiv 2406.15657): the model picks among lettered passages.

The log-probabilities that the letters have as the reply's first token are the scores: one call ranks up to 20
passages and decodes a single token. Any server that reports log-probabilities will do; nothing is trained.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from hopcite.budget import Budget
from hopcite.chat import Chat, Message
from hopcite.types import Chunk
from retrieval.rerank.port import Ranking, keep_order

WINDOW = 20  # servers report at most 20 first tokens
STEP = 10  # how far the window moves up a longer list (RankGPT, arXiv 2304.09542, section 4.2)
PASSAGE_CHARACTERS = 1200  # about 300 tokens; a chunk of the default size is never cut
_SYSTEM = "You judge which passage helps most to answer a question. You reply with one letter."


class LettersReranker:
    """Ranks through the chat model. A list longer than one window is ranked from its end, the better half moving up."""

    def __init__(self, chat: Chat) -> None:
        self.name = f"letters:{chat.model}"
        self._chat = chat

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates. Raises `BudgetExhausted` before the first call that it does not allow.

        Passages whose letter the server does not report stay, in input order, below those that have a score; a note
        counts them. A window in which fewer than two letters are reported, or all are equal, is no ranking.
        """
        if len(candidates) < 2:
            return keep_order(len(candidates))
        tokens_before = budget.prompt_tokens, budget.completion_tokens
        order = list(range(len(candidates)))
        notes: list[str] = []
        starts = window_starts(len(candidates))
        for start in starts:
            window = order[start : start + WINDOW]
            labels = string.ascii_uppercase[: len(window)]
            messages = prompt(query, [candidates[place] for place in window], labels)
            found = await self._chat.label_logprobs(messages, list(labels), budget=budget)
            if len(found) < 2 or len(set(found.values())) == 1:
                why = "all letters are equally likely" if len(found) > 1 else f"{len(found)} letters have a probability"
                return keep_order(len(candidates), f"no ranking: {why}", valid=False)
            if missing := len(window) - len(found):
                notes.append(f"{missing} of {len(window)} letters are not reported; their passages keep their order")
            scores = [found.get(label, float("-inf")) for label in labels]
            order[start : start + WINDOW] = [window[i] for i in sorted(range(len(window)), key=lambda i: -scores[i])]
        places = {candidate: place for place, candidate in enumerate(order)}
        return Ranking(
            # Log-probabilities of different windows do not compare; places do.
            scores=tuple(float(len(order) - places[candidate]) for candidate in range(len(order))),
            order=tuple(order),
            notes=tuple(notes),
            calls=len(starts),
            prompt_tokens=budget.prompt_tokens - tokens_before[0],
            completion_tokens=budget.completion_tokens - tokens_before[1],
        )

    async def aclose(self) -> None:
        """Nothing to release: the chat belongs to the caller."""


def window_starts(n: int) -> list[int]:
    """Where each window begins, last first, so that the best can climb to the top."""
    return [*range(max(n - WINDOW, 0), 0, -STEP), 0]


def prompt(query: str, passages: Sequence[Chunk], labels: Sequence[str]) -> list[Message]:
    """The question stands before and after the passages: a causal model reads them with it in mind."""
    listed = "\n\n".join(
        f"[{label}] {passage.title}\n{passage.text[:PASSAGE_CHARACTERS]}"
        for label, passage in zip(labels, passages, strict=True)
    )
    return [
        {"role": "system", "content": _SYSTEM},
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassages:\n\n{listed}\n\nQuestion: {query}\n"
            f"Which passage ({labels[0]} to {labels[-1]}) helps most to answer it? Reply with its letter only.",
        },
    ]
