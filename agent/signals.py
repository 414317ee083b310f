"""The signs by which an answer is trusted. They stand in the trace of `verify`, so that confidence can be fitted later.

None of them costs a model call: they are read off what the writer wrote and cites.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.cite import Cited
from agent.words import content_words
from agent.write import Draft, short_answer_span
from hopcite.types import Claim

# Thinking aloud comes before the reply, and may hold drafts of it.
_THOUGHT = "</think>"
# Of 24 such answers of dev questions four were right (docs/decisions.md, "When to read further").
_UNSTATED = 0.2


@dataclass(frozen=True, slots=True)
class Signals:
    """Each in 0..1, more speaks for the answer; None: not known."""

    likelihood: float | None
    """Probability that the writer gives this short answer (`answer_likelihood`). None where no server told."""
    supported: float
    """Share of the claims that their quotes bear out; a claim that could not be judged counts half.

    Where no model wrote: share of the question's words that the quotes hold.
    """
    quoted: float | None
    """1 where the quotes hold every word of the short answer, else 0; None for yes, no, and none."""

    @property
    def support(self) -> float:
        """How far the answer is borne out: the mean of `supported` and, where it is known, `quoted`."""
        return self.supported if self.quoted is None else (self.supported + self.quoted) / 2


def read_signals(draft: Draft, cited: Cited) -> Signals:
    """The signs of an answer: its draft, and what that cites."""
    borne_out = [_credit(claim) for claim in cited.claims]
    return Signals(
        likelihood=answer_likelihood(draft),
        supported=sum(borne_out) / len(borne_out) if borne_out else 0.0,
        quoted=_quoted(draft, cited),
    )


def quoted_signals(question: str, cited: Cited) -> Signals:
    """The signs of an answer that no model wrote: quotes bear themselves out, so what they hold of the question."""
    asked = content_words(question)
    held = len(asked & _words_of(cited)) / len(asked) if asked else 0.0
    return Signals(likelihood=None, supported=held, quoted=None)


def answer_likelihood(draft: Draft) -> float | None:
    """The likelihood of its short answer; small where its sentences leave it out, or it only repeats the question."""
    known = likelihood(draft.logprobs) if draft.likelihood is None else draft.likelihood
    trusted = draft.states_answer and not draft.repeats
    return known if known is None or trusted else min(known, _UNSTATED)


def likelihood(tokens: tuple[tuple[str, float], ...]) -> float | None:
    """Probability of the tokens that spell the short answer (`short_answer_span`); None without one, or without them.

    `tokens` are a reply's, with their log-probabilities. Decoding is greedy, so the product is what the model gives to
    this wording against all others.
    """
    after = next((n for n, (token, _) in enumerate(tokens, start=1) if _THOUGHT in token), 0)
    text = "".join(token for token, _ in tokens[after:])
    start, end = short_answer_span(text)
    if not text[start:end].strip():
        return None
    # A blank that is a token of its own belongs to it: it decides that a number follows, as words bring their own.
    blank = len(text[:start].rstrip())
    total, place = 0.0, 0
    for token, logprob in tokens[after:]:
        if place < end and (place >= blank or place + len(token) > start):
            total += logprob
        place += len(token)
    return None if math.isnan(total) else math.exp(min(0.0, total))


def _credit(claim: Claim) -> float:
    return 0.5 if claim.supported is None else float(claim.supported)


def _quoted(draft: Draft, cited: Cited) -> float | None:
    if draft.short_answer.lower() in ("yes", "no", ""):
        return None
    return float(content_words(draft.short_answer) <= _words_of(cited))


def _words_of(cited: Cited) -> frozenset[str]:
    """The words of the quotes, and of the titles that they stand under."""
    return frozenset[str]().union(*(content_words(f"{c.title} {c.quote}") for c in cited.citations))
