"""A draft with what it cites, and how far it can be relied on: whether to look further, and which draft to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.cite import MOST_CLAIMS, Cited, cite, uncited
from agent.quotes import NOTHING, Withheld
from agent.signals import answer_likelihood, read_signals
from agent.words import content_words
from agent.write import Draft
from hopcite.types import Chunk

# A later draft that is less than so many times as likely as the one before has been misled by what it read.
_MISLED = 0.5


@dataclass(frozen=True, slots=True)
class Written:
    """One reply of the writer to a question, the passages that it read, and its claims tied to their words."""

    question: str
    draft: Draft
    passages: tuple[Chunk, ...]
    cited: Cited

    @property
    def borne_out(self) -> bool:
        """Whether the draft gives an answer, its claims show it, and each is held, names and all, by one quote."""
        claims = self.cited.claims
        answers = not self.draft.unknown and self.draft.states_answer
        return answers and bool(claims) and all(claim.supported for claim in claims)

    @property
    def likelihood(self) -> float | None:
        """Probability that the writer gives its short answer; 0 without an answer, None where no server told."""
        return 0.0 if self.draft.unknown else answer_likelihood(self.draft)

    def sure(self, threshold: float) -> bool:
        """Whether to look no further: the short answer is likely enough or, where that is not known, borne out."""
        return self.borne_out if self.likelihood is None else self.likelihood >= threshold

    @property
    def support(self) -> float:
        """How far its quotes bear it out, 0..1. 0 without an answer."""
        return read_signals(self.draft, self.cited).support if self.cited.claims and not self.draft.unknown else 0.0

    @property
    def foreign(self) -> bool:
        """Whether nothing ties the draft to its passages: no quote, and no word of its short answer in any of them.

        Such as what a broken model says. A bare yes or no need not be in the passages, nor what the question offers:
        "consistent or inconsistent".
        """
        short = self.draft.short_answer.lower()
        words = content_words(short)
        offered = bool(words) and words <= content_words(self.question)
        if self.draft.unknown or self.cited.citations or short in ("yes", "no") or offered:
            return False
        texts = [f"{chunk.title} {chunk.text}" for chunk in self.passages]
        said = content_words(short or self.draft.text)
        held = frozenset[str]().union(*map(content_words, texts))
        # Words are told apart by spaces, which not every script has.
        verbatim = any(len(short) > 1 and short in text.lower() for text in texts)
        return not said & held and not verbatim


def written(
    draft: Draft,
    passages: Sequence[Chunk],
    *,
    question: str,
    withheld: Withheld = NOTHING,
    most: int = MOST_CLAIMS,
) -> Written:
    """Tie the first `most` sentences of a draft to the passages that it was written from; of none without an answer."""
    text = "" if draft.unknown else draft.text or draft.short_answer
    cited = cite(text, passages, question=question, short_answer=draft.short_answer, withheld=withheld, most=most)
    if not cited.claims and not draft.unknown:  # "Yes, they were." has no word to look for
        cited = uncited(draft.short_answer)
    return Written(question, draft, tuple(passages), cited)


def better(first: Written, second: Written) -> Written:
    """The second draft, which has read more, unless it has no answer or a much less likely one.

    Where likelihoods are not known: the one that its quotes bear out better, of equals the first. Both are measured in
    docs/decisions.md, "When to decompose".
    """
    if first.likelihood is None or second.likelihood is None:
        return first if first.support >= second.support else second
    misled = second.draft.unknown or second.likelihood < _MISLED * first.likelihood
    return first if misled and not first.draft.unknown else second
