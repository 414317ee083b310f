"""Pointwise reranking by yes or no: whether one passage helps (Liang et al., HELM, arXiv 2211.09110).

The score is P(yes) / (P(yes) + P(no)), read from the first token's log-probabilities: one call a passage, all of which
share the prompt up to the passage. The model is asked without having been trained for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hopcite.chat import Message
from retrieval.rerank.asking import Asking
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.together import together

_LABELS = ("yes", "Yes", "no", "No")
# In place of a side that is not among the reported tokens, and below the other side: a server reports the likeliest.
# A fixed value, so that the reported side still tells the passages apart.
_UNREPORTED = -20.0


@dataclass(frozen=True, slots=True)
class YesNo:
    """A passage for which neither word is reported has no score."""

    name: str = "yes-no"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """Score every passage by itself, all at once."""
        return by_score(await together(self._score(asking, candidate) for candidate in range(asking.n)))

    def most_calls(self, n: int) -> int:
        """One for each candidate."""
        return n

    async def _score(self, asking: Asking, candidate: int) -> float | None:
        found = await asking.label_logprobs(prompt(asking.query, asking.shown(candidate)), _LABELS)
        return probability_of_yes(found) if found else None


def probability_of_yes(found: dict[str, float]) -> float:
    """The share of "yes" from the log-probabilities of the words, whichever way they are written."""
    floor = min(_UNREPORTED, min(found.values()) - 1)
    yes, no = (
        _either([found[word] for word in words if word in found] or [floor]) for words in (_LABELS[:2], _LABELS[2:])
    )
    return 1 / (1 + math.exp(no - yes)) if no - yes < 700 else 0.0


def _either(logprobs: Sequence[float]) -> float:
    """The log-probability of any of several words."""
    highest = max(logprobs)
    return highest + math.log(sum(math.exp(value - highest) for value in logprobs))


def prompt(query: str, passage: str) -> list[Message]:
    """The question first, so that the passages' prompts begin alike."""
    return [
        {
            "role": "system",
            "content": "You judge whether a passage helps to answer a question. You reply with yes or no.",
        },
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassage: {passage}\n\n"
            "Does this passage help to answer the question? Reply with yes or no only.",
        },
    ]
