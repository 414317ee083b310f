"""The two questions that a plain comparison comes down to: "When was A founded?", "How long is A?", and the same of B.

No model need plan "Was A founded before B?", and a small one at times asks the comparison itself once more.
"""

from __future__ import annotations

import re

from agent.compare import comparison_of

_WHEN = r"(?:first|earlier|earliest|later|latest|last|(?:more|most) recently|before|after)"
_KIND = r"which(?: (?!whose\b|that\b|with\b)[\w-]+){1,3}?"
_DONE = r"(?P<done>born|\w+ed|built|made|written)"
_MEASURED = r"(?P<measure>longer|longest|taller|tallest|higher|highest|deeper|deepest|heavier|heaviest)"
_MEASURES = {"long": "long", "tall": "tall", "high": "high", "deep": "deep", "heav": "heavy"}
_PLAIN = [
    (re.compile(pattern, re.IGNORECASE), asked)
    for pattern, asked in (
        (rf"^(?:who|{_KIND}) (?:was|were) {_DONE} {_WHEN}\b", "When was {side} {done}?"),
        (rf"^{_KIND}, .+, (?:was|were) {_DONE} {_WHEN}\b", "When was {side} {done}?"),
        (rf"^(?:was|were) .+? {_DONE} (?:before|after)\b", "When was {side} {done}?"),
        (r"^who(?: is|'s| was) (?:older|younger|the oldest|the youngest)\b", "When was {side} born?"),
        (rf"^who died {_WHEN}\b", "When did {side} die?"),
        (r"^did .+? die (?:before|after)\b", "When did {side} die?"),
        (rf"^{_KIND} (?:is|was) (?:the )?{_MEASURED}\b", "How {measure} is {side}?"),
        (rf"^(?:is|was) .+? {_MEASURED} than\b", "How {measure} is {side}?"),
    )
]
_VERB_END = re.compile(rf"\s+(?:{_DONE}|die)$", re.IGNORECASE)


def side_questions(question: str) -> tuple[str, ...]:
    """A question for each side of a comparison by one date or measure; none where the wording is another."""
    comparison = comparison_of(question)
    if comparison is None or not (comparison.first and comparison.second):
        return ()
    for pattern, asked in _PLAIN:
        if found := pattern.match(question):
            words = {name: word.lower() for name, word in found.groupdict().items()}
            measure = next((how for start, how in _MEASURES.items() if words.get("measure", "").startswith(start)), "")
            sides = (_VERB_END.sub("", comparison.first), _VERB_END.sub("", comparison.second))
            return tuple(asked.format(side=side, **{**words, "measure": measure}) for side in sides)
    return ()
