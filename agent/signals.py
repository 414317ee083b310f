"""The signs by which an answer is trusted. They stand in the trace of `verify`, so that confidence can be fitted later.

None of them costs a model call: they are read off what the writer wrote, what it cites and how that was ranked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from agent.cite import Cited
from agent.words import content_words
from agent.write import ANSWER_LINE, Draft
from hopcite.types import Claim, Hit

_THOUGHT = "</think>"
_NEITHER = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    """Each in 0..1, more speaks for the answer; None: could not be judged."""

    supported: float
    """Share of the claims that their quotes bear out; a claim that could not be judged counts half."""
    quoted: float | None
    """1 where the quotes hold every word of the short answer, else 0; None for yes, no, and none."""
    likelihood: float | None
    """Probability of the short answer's tokens to the writer, their geometric mean; None where no server tells it."""
    relevance: float | None
    """Share of the rerank scores of the evidence that the cited passages hold; None without amounts."""
    undivided: float
    """1 where the first search sufficed, 0 where the question was split."""


def read_signals(draft: Draft | None, cited: Cited, *, evidence: Sequence[Hit], graded: bool, planned: bool) -> Signals:
    """The signs of an answer: its draft (None: the evidence was quoted, no model wrote), citations and evidence."""
    return Signals(
        supported=_supported(cited),
        quoted=_quoted(draft, cited),
        likelihood=_rounded(likelihood(draft)) if draft else None,
        relevance=_rounded(_relevance(cited, evidence)) if graded else None,
        undivided=float(not planned),
    )


def features(signals: Signals) -> dict[str, float]:
    """The signals as numbers, by name. What could not be judged is neither good nor bad; what no part reports is out."""
    found = asdict(signals)
    found["quoted"] = _NEITHER if signals.quoted is None else signals.quoted
    return {name: float(sign) for name, sign in found.items() if sign is not None}


def support(draft: Draft | None, cited: Cited) -> float:
    """How far an answer is borne out, 0..1: the mean of `supported` and `quoted`. 0 without an answer."""
    if not cited.claims or (draft is not None and draft.unknown):
        return 0.0
    signs = [sign for sign in (_supported(cited), _quoted(draft, cited)) if sign is not None]
    return round(sum(signs) / len(signs), 3)


def likelihood(draft: Draft) -> float | None:
    """Geometric mean of the probabilities of the tokens that spell the short answer, after `Answer:`."""
    tokens = list(draft.logprobs)
    after = next((n for n, (token, _) in enumerate(tokens, start=1) if _THOUGHT in token), 0)
    tokens = tokens[after:]
    line = ANSWER_LINE.search("".join(token for token, _ in tokens))
    if line is None or not line["short"].strip():
        return None
    start, end = line.span("short")
    held: list[float] = []
    place = 0
    for token, logprob in tokens:
        if place < end and place + len(token.rstrip()) > start:
            held.append(logprob)
        place += len(token)
    return math.exp(sum(held) / len(held)) if held else None


def _supported(cited: Cited) -> float:
    return sum(map(_credit, cited.claims)) / len(cited.claims) if cited.claims else 0.0


def _credit(claim: Claim) -> float:
    return _NEITHER if claim.supported is None else float(claim.supported)


def _quoted(draft: Draft | None, cited: Cited) -> float | None:
    if draft is None or draft.short_answer.lower() in ("yes", "no", ""):
        return None
    quoted = frozenset[str]().union(*(content_words(f"{c.title} {c.quote}") for c in cited.citations))
    return float(content_words(draft.short_answer) <= quoted)


def _relevance(cited: Cited, evidence: Sequence[Hit]) -> float | None:
    amounts = {hit.chunk.id: max(0.0, hit.rerank_score) for hit in evidence if hit.rerank_score is not None}
    total = sum(amounts.values())
    return sum(amounts.get(id_, 0.0) for id_ in {c.chunk_id for c in cited.citations}) / total if total else None


def _rounded(sign: float | None) -> float | None:
    return None if sign is None else round(sign, 4)
