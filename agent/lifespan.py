"""Dates of birth and death, read off the line that opens a biography: "Imre Valko (3 May 1901 – 1970) was a novelist".

Half of all comparisons ask for them, and there is nothing in that line that a model would read better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.values import before_christ, date_text
from hopcite.types import Chunk
from retrieval.names import title_key

_ASKED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^when (?:was|did) (?P<name>.+) (?P<event>born|die)\s*\?*$",
        r"^what (?:is|was) the date of (?P<event>birth|death) of (?P<name>.+?)\s*\?*$",
    )
]
_BRACKETS = re.compile(r"\((?P<inside>[^()]*\d{3,4}[^()]*)\)")
_TO = re.compile(r"\s*[–—]\s*|\s+-\s+|\s+to\s+")
# "(fl. 1340–1370)", "(r. 1485–1509)", "(born 1950; mayor 1990–1995)": years of work or rule, no life.
_NO_LIFE = re.compile(
    r"\b(?:r\.|king|queen|emperor|pope"
    r"|(?i:fl\.|floruit|flourished|active|reign(?:ed|ing|s)?\b|ruled|in (?:office|power)|term\b"
    r"|president|governor|mayor|minister|chancellor|senator|bishop|chair\w*|ceo|director|captain|coach|manager|served))"
)
# "Imre Valko was a son of Anders (1870–1930)": behind the verb, brackets are another's.
_VERB = re.compile(r"\b(?:was|is|were|are|who|whose)\b")
_BORN = re.compile(r"\b(?:born|b\.)", re.IGNORECASE)
_OPENING = 250  # characters of a passage in which the brackets stand that follow the name


def life_date(question: str, passages: Sequence[Chunk]) -> str:
    """The date as it is written, where the question asks for a birth or a death and one title is the name.

    Empty where the opening line does not tell it for certain, or where two of that name differ.
    """
    asked = next(filter(None, (pattern.match(question.strip()) for pattern in _ASKED)), None)
    if asked is None:
        return ""
    name, born = title_key(asked["name"]), asked["event"].lower() in ("born", "birth")
    found = {
        date
        for passage in passages
        if passage.start == 0 and title_key(passage.title) == name
        for date in [_told(passage.text[:_OPENING], born=born)]
    }
    return found.pop() if len(found) == 1 else ""


def _told(opening: str, *, born: bool) -> str:
    brackets = _BRACKETS.search(opening)
    if brackets is None or _VERB.search(opening[: brackets.start()]):
        return ""
    if before_christ(brackets["inside"]) or _NO_LIFE.search(brackets["inside"]):
        return ""
    parts = _TO.split(brackets["inside"])
    if len(parts) == 2:
        return date_text(parts[0 if born else 1])
    return date_text(parts[0]) if born and len(parts) == 1 and _BORN.search(parts[0]) else ""
