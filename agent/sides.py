"""The two questions that a plain comparison comes down to: "When was A founded?", "How long is A?", and the same of B.

No model need plan "Was A founded before B?", and a small one at times asks the comparison itself once more.
"""

from __future__ import annotations

import re

from agent.compare import comparison_of

# What follows decides too: "first in Sweden" and "the youngest president" ask for other dates.
_END = r"(?=\s*[,:?]|\s*$|\s+(?:out of|between|of the two|than|the|[^a-z\s]))"
_WHEN = rf"(?:first|earlier|earliest|later|latest|last|(?:more|most) recently|before|after){_END}"
_KIND = r"[Ww]hich(?: (?!whose\b|that\b|with\b)[\w-]+){1,3}?"
_DONE = r"(?P<done>born|[a-z]+ed|built|made|written)"
_MEASURED = r"(?P<measure>longer|longest|taller|tallest|higher|highest|deeper|deepest|heavier|heaviest)"
_MEASURES = {"long": "long", "tall": "tall", "high": "high", "deep": "deep", "heav": "heavy"}
_PLAIN = [
    (re.compile(pattern), asked)
    for pattern, asked in (
        (rf"^(?:[Ww]ho|{_KIND}) (?:was|were) {_DONE} {_WHEN}", "When was {side} {done}?"),
        (rf"^{_KIND}, .+, (?:was|were) {_DONE} {_WHEN}", "When was {side} {done}?"),
        (rf"^(?:[Ww]as|[Ww]ere) .+? {_DONE} (?:before|after)\b", "When was {side} {done}?"),
        (rf"^[Ww]ho(?: is|'s| was) (?:older|younger|the oldest|the youngest){_END}", "When was {side} born?"),
        (rf"^[Ww]ho died {_WHEN}", "When did {side} die?"),
        (r"^[Dd]id .+? die (?:before|after)\b", "When did {side} die?"),
        (rf"^{_KIND} (?:is|was) (?:the )?{_MEASURED}{_END}", "How {measure} is {side}?"),
        (rf"^(?:[Ii]s|[Ww]as) .+? {_MEASURED} than\b", "How {measure} is {side}?"),
    )
]
_VERB_END = re.compile(rf"\s+(?:{_DONE}|die)$")


def side_questions(question: str) -> tuple[str, ...]:
    """A question for each side of a comparison by one date or measure; none where the wording is another."""
    comparison = comparison_of(question)
    if comparison is None or not (comparison.first and comparison.second):
        return ()
    first = _VERB_END.sub("", comparison.first) if comparison.yes_no else comparison.first
    for pattern, asked in _PLAIN:
        if found := pattern.match(question.strip()):
            words = found.groupdict()
            measure = next((how for start, how in _MEASURES.items() if words.get("measure", "").startswith(start)), "")
            sides = (first, comparison.second)
            return tuple(asked.format(side=side, **{**words, "measure": measure}) for side in sides)
    return ()
