"""Conclusions: what the answers of a question's steps give without a writer, and the sentences that say so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.compare import comparison_of, decided
from agent.plan import ends
from agent.values import date_in
from agent.write import Draft
from hopcite.types import Step

_STATEMENTS = [
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        (r"^when (was|were|is) (.+) (\w+)$", r"\2 \1 \3 {when}"),
        (r"^when did (.+) die$", r"\1 died {when}"),
        (r"^(?:what|which) (?:is the )?nationality (?:is|of) (.+)$", r"The nationality of \1 is {answer}"),
        (r"^(?:where|in (?:which|what) \w+) did (.+) die$", r"\1 died in {answer}"),
        (r"^(?:where|in (?:which|what) \w+) (is|was|are|were) (.+) (\w+ed|born)$", r"\2 \1 \3 in {answer}"),
        (r"^in (?:which|what) (\w+) (is|was|are|were) (.+)$", r"\3 \2 in {answer}"),
        (r"^(?:who|what|which) (is|are|was|were) (.+)$", r"\2 \1 {answer}"),
        (r"^who (\w+) (.+)$", r"{answer} \1 \2"),
        (r"^how (\w+) (is|was) (.+)$", r"\3 \2 {answer} \1"),
    )
]


def conclusion(question: str, steps: Sequence[Step], likely: Mapping[str, float | None]) -> Draft | None:
    """The answer of a chain's last step, or what both sides of a comparison decide; None where steps are missing.

    `steps` without the question itself, `likely` the probability of each one's answer: the conclusion is as likely as
    the least likely of them.
    """
    comparison = comparison_of(question)
    answer = decided(comparison, steps) if comparison else _end_of_chain(steps)
    if not answer:
        return None
    links = [likely.get(step.id) for step in steps if step.answer]
    known = [likelihood for likelihood in links if likelihood is not None]
    weakest = min(known) if len(known) == len(links) else None
    return Draft(answer, statements(steps), unknown=False, cut_short=False, likelihood=weakest)


def _end_of_chain(steps: Sequence[Step]) -> str:
    last = ends(steps)
    return last[0].answer if len(last) == 1 and last[0].needs else ""


def statements(steps: Sequence[Step]) -> str:
    """The steps' questions with their answers, as sentences where their form is known: "Valko was born in 1901"."""
    said = [_stated(step.question, step.answer.rstrip(". ")) for step in steps if step.answer]
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in said)


def _stated(question: str, answer: str) -> str:
    asked = question.strip().rstrip("?").rstrip()
    when = f"on {answer}" if len(date_in(answer)) == 3 else f"in {answer}" if date_in(answer) else answer
    for pattern, sentence in _STATEMENTS:
        if pattern.match(asked):
            return pattern.sub(sentence, asked).replace("{answer}", answer).replace("{when}", when)
    return f"{asked}: {answer}"
