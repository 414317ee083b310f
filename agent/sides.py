"""The questions that a plain comparison comes down to: "When was A founded?", "How long is A?", and the same of B.

Of a life it is two: when it began and when it ended.

No model need plan "Was A founded before B?" or "Are A and B from the same country?", and a small one at times asks the
comparison itself once more.
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


# "Are both A and B from the same country?", "Do the directors of films A and B share the same nationality?"
_SAME = re.compile(
    r"^(?:are|were|is|was|do|does|did|have|has) (?P<sides>.+?)"
    r"(?P<made> (?:have|with) (?:the )?directors?(?: who| that)?)?,?(?: (?:are )?both)?"
    r" (?P<how>from|of|in|(?:located|situated|based|found|set) in|share|have|hold|(?:come|coming|originate) from)"
    r" (?:the )?same (?P<thing>country|nationality|state|city|town|county|province|continent)\s*\?*$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:both )?(?:(?:the )?(?P<made>directors?) of )?(?:both )?(?:(?:the )?(?-i:film|movie|[a-z]+s)[:,]? )?",
    re.IGNORECASE,
)


def side_questions(question: str) -> tuple[str, ...]:
    """The questions for both sides of a comparison, as a planner would write them; none where the wording is another.

    `#1` stands for the answer of the first: two films are as their directors are.
    """
    comparison = comparison_of(question)
    if comparison is None:
        return ()
    if comparison.asked in ("shortest life", "longest life"):
        sides = (comparison.first, comparison.second)
        return tuple(asked.format(side) for side in sides for asked in ("When was {} born?", "When did {} die?"))
    if comparison.asked == "same":
        return _of_the_same(question.strip())
    first = _VERB_END.sub("", comparison.first) if comparison.yes_no else comparison.first
    for pattern, asked in _PLAIN:
        if found := pattern.match(question.strip()):
            words = found.groupdict()
            measure = next((how for start, how in _MEASURES.items() if words.get("measure", "").startswith(start)), "")
            sides = (first, comparison.second)
            return tuple(asked.format(side=side, **{**words, "measure": measure}) for side in sides)
    return ()


def _of_the_same(question: str) -> tuple[str, ...]:
    found = _SAME.match(question)
    sides = found["sides"].split(" and ") if found else []
    if found is None or len(sides) != 2:  # "Are Salt and Snow and Low Water from ...?"
        return ()
    made = found["made"] or any(_made(side) for side in sides)
    first, second = (_LEADING.sub("", side.strip(" ,")) for side in sides)
    if re.search(r"\bboth\b", f"{first} {second}"):  # "both airports in the same state"
        return ()
    thing = found["thing"].lower()
    if thing == "country" and not found["how"].lower().endswith("in"):
        thing = "nationality"  # as the first sentence of an article has it: "an Ossish film", "an Ossish painter"
    asked = "What nationality is {}?" if thing == "nationality" else f"In which {thing} is {{}}?"
    if not made:
        return asked.format(first), asked.format(second)
    director = "Who is the director of film {}?"
    return director.format(first), asked.format("#1"), director.format(second), asked.format("#3")


def _made(side: str) -> bool:
    leading = _LEADING.match(side)
    return bool(leading and leading["made"])
