"""Pointwise reranking: the expected grade (Zhuang et al., arXiv 2310.14122; ERank, arXiv 2509.00520, without thinking).

The model grades each passage; the score is the mean of the grades, weighted by their probabilities as the first token.
ERank's scale ends with 10, which most tokenizers write as two tokens, the first of them that of 1. So the scale asked
for is 0 to 9, and the score is stretched to 0 to 10.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from typing import ClassVar

from hopcite.chat import Message
from retrieval.rerank.asking import Asking
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.together import together


@dataclass(frozen=True, slots=True)
class ExpectedGrade:
    """A passage for which no grade is reported has no score."""

    name: str = "grades"
    exact: ClassVar[bool] = True

    async def rank(self, asking: Asking) -> Ranking:
        """Score every passage by itself, all at once."""
        return by_score(await together(self._score(asking, candidate) for candidate in range(asking.n)))

    def most_calls(self, n: int) -> int:
        """One for each candidate."""
        return n

    async def _score(self, asking: Asking, candidate: int) -> float | None:
        found = await asking.label_logprobs(prompt(asking.query, asking.shown(candidate)), string.digits)
        return expected_grade(found) if found else None


def expected_grade(found: dict[str, float]) -> float:
    """The mean grade from 0 to 10, from the log-probabilities of digits; at least one is there."""
    highest = max(found.values())  # subtracted, so that not every weight can vanish
    weights = {int(digit): math.exp(value - highest) for digit, value in found.items()}
    return 10 / 9 * sum(grade * weight for grade, weight in weights.items()) / sum(weights.values())


def prompt(query: str, passage: str) -> list[Message]:
    """The question first, so that the passages' prompts begin alike."""
    return [
        {
            "role": "system",
            "content": "You grade how much a passage helps to answer a question. You reply with one digit.",
        },
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassage: {passage}\n\n"
            "How much does this passage help to answer the question, from 0 (not at all) to 9 (it holds the answer)? "
            "Reply with the digit only.",
        },
    ]
