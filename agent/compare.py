"""Comparisons: which of two things came first, or is longer; whether two things have the same country.

A small writer names one of the two before it has weighed them, more often than not the one that the question names
first. So the question is split, each side is looked up, and what was found decides, by rule, where it can: dates by
their order, amounts by their numbers, the rest by being the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.plan import ends
from agent.words import content_words
from hopcite.types import Step

Asked = Literal["earliest", "latest", "least", "most", "same"]

_WORDS: dict[Asked, str] = {
    "earliest": "first earlier earliest older oldest before",
    "latest": "last later latest younger youngest newer newest recently after",
    "least": "shorter shortest smaller smallest lower lowest fewer fewest lighter lightest cheaper cheapest",
    "most": "longer longest larger largest bigger biggest higher highest taller tallest heavier heaviest deeper",
}
_ASKED: dict[str, Asked] = {word: asked for asked, words in _WORDS.items() for word in words.split()}
_DIRECTION = re.compile(rf"\b(?:{'|'.join(_ASKED)})\b", re.IGNORECASE)
_CHOICE = re.compile(r"^(?P<head>.*\S)\s+or\s+(?P<second>\S.*?)\s*\?*$", re.IGNORECASE)
_PAIR = re.compile(r"\b(?:between|out of)\s+(?P<first>.+?)\s+and\s+(?P<second>[^,?]+)", re.IGNORECASE)
# "Between the report from A and the one from B, was there a change after the first week?" asks for neither of them.
_WHICH = re.compile(r"\b(?:which|who|whose|what|where)\b", re.IGNORECASE)
_SAME = re.compile(
    r"^(?:are|is|were|was|do|does|did|have|has)\b.*\band\b.*\bsame\s+(?P<thing>\w+(?: \w+)?)", re.IGNORECASE
)
_SIDES = re.compile(
    r"^(?:was|were|is|are|did|does|do)\s+(?P<first>.+?)\s+(?:(?P<when>before|after)|(?P<word>\w+er)\s+than)\s+"
    r"(?P<second>.+?)\s*\?*$",
    re.IGNORECASE,
)
_LONGEST_NAME = 12  # words of a side; what is longer is no name, and the words that compare mean something else
_NAME = re.compile(r"\s*(?:the\b|[^\w\s]*[^\Wa-z])")
_LOWER_END = re.compile(r"(?:\s+[a-z]+)+$")
# "Who lived longer": what is compared is a difference of two dates.
_SPANS = re.compile(r"\b(?:lived?|lasted?|reigned?|ruled?|served?) (?:the )?long", re.IGNORECASE)

_MONTHS = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), start=1
    )
}
_MONTH = "|".join(_MONTHS)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{3,4})(?!\d)(?!\s*BC)"
_DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)",
        rf"\b{_DAY}\s+(?:of\s+)?(?P<month>{_MONTH}),?\s+{_YEAR}",
        rf"\b(?P<month>{_MONTH})\s+{_DAY},?\s+{_YEAR}",
        rf"\b(?P<month>{_MONTH}),?\s+{_YEAR}",
        rf"\b{_YEAR}",
    )
]
_NUMBER = re.compile(r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<unit>[^\W\d]*)")
_UNITS = {
    word: unit
    for unit, words in {
        "m": "metre metres meter meters",
        "km": "kilometre kilometres kilometer kilometers kms",
        "ft": "foot feet",
        "mi": "mile miles",
        "kg": "kilogram kilograms kilogramme kilogrammes kilos",
        "t": "ton tons tonne tonnes",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a question compares. `asked` is the value that the answer has; `yes_no`: whether the first side has it.

    Where two may have the same of something, `first` is that: "country".
    """

    first: str
    second: str
    asked: Asked
    yes_no: bool = False


def comparison_of(question: str) -> Comparison | None:
    """What is compared, where the wording tells it and values can decide it."""
    found = _wording(question)
    names = max(len(side.split()) for side in (found.first, found.second)) <= _LONGEST_NAME if found else False
    return found if names else None


def _wording(question: str) -> Comparison | None:
    if same := _SAME.search(question):
        return Comparison(same["thing"], "", "same", yes_no=True)
    if sides := _SIDES.match(question):
        asked = _ASKED.get((sides["when"] or sides["word"]).lower())
        return Comparison(sides["first"], sides["second"], asked, yes_no=True) if asked else None
    found = _DIRECTION.search(question)
    if found is None or _SPANS.search(question):
        return None
    asked = _ASKED[found[0].lower()]
    if (pair := _PAIR.search(question)) and _WHICH.search(question):
        return Comparison(_bare(pair["first"]), _bare(pair["second"]), asked)
    if choice := _CHOICE.match(question):
        second = choice["second"]
        first = _first_side(choice["head"], found.end())
        if found.start() > choice.end("head"):
            second = _LOWER_END.sub("", second)
        return Comparison(_bare(first), _bare(second), asked) if first and second else None
    return None


def decided(comparison: Comparison, steps: Sequence[Step]) -> str:
    """The short answer that the answers of a comparison's two last steps decide; empty where they do not."""
    found = _sides(comparison, steps)
    if found is None:
        return ""
    first, second = found
    if comparison.asked == "same":
        one, other = content_words(first), content_words(second)
        return ("yes" if one <= other or other <= one else "no") if one and other else ""
    ordered = _compared(first, second, dates=comparison.asked in ("earliest", "latest"))
    if not ordered:
        return ""
    first_has_it = (ordered < 0) == (comparison.asked in ("earliest", "least"))
    if comparison.yes_no:
        return "yes" if first_has_it else "no"
    return comparison.first if first_has_it else comparison.second


def _sides(comparison: Comparison, steps: Sequence[Step]) -> tuple[str, str] | None:
    """The answers of the first side and of the second. None: not two, or it is not clear whose they are."""
    last = [step for step in ends(steps) if step.answer]
    if len(last) != 2 or len(ends(steps)) != 2:
        return None
    if comparison.asked == "same":
        both_ask = all(content_words(comparison.first) & content_words(step.question) for step in last)
        return (last[0].answer, last[1].answer) if both_ask else None
    leaning = [_leaning(comparison, step, steps) for step in last]
    if leaning[0] == leaning[1]:
        return None
    one, other = last if leaning[0] > leaning[1] else reversed(last)
    return one.answer, other.answer


def _leaning(comparison: Comparison, step: Step, steps: Sequence[Step]) -> int:
    """Above 0: a step, with those that it needs, speaks of the first side; below: of the second."""
    chain, waiting = "", [step]
    while waiting:
        at = waiting.pop()
        chain += f" {at.question}"
        waiting += [other for other in steps if other.id in at.needs]
    words = content_words(chain)
    first, second = content_words(comparison.first), content_words(comparison.second)
    return len(words & (first - second)) - len(words & (second - first))


def _compared(first: str, second: str, *, dates: bool) -> int:
    """-1: the first is less or earlier, 1: more or later, 0: not known. A year says nothing about a day in it."""
    if dates:
        one, other = date_in(first), date_in(second)
        shared = min(len(one), len(other))
        return (one[:shared] > other[:shared]) - (one[:shared] < other[:shared])
    amounts = [_NUMBER.search(text) for text in (first, second)]
    if not (amounts[0] and amounts[1]):
        return 0
    # A bare number has the other's unit: both answer the same question.
    units = {_UNITS.get(amount["unit"].lower(), amount["unit"]) for amount in amounts if amount and amount["unit"]}
    if len(units) > 1:
        return 0
    numbers = [float(amount["number"].replace(",", "")) for amount in amounts if amount]
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def date_in(text: str) -> tuple[int, ...]:
    """The first date in the text as (year, month, day), as far as it is given; empty without one."""
    found = _first_date(text)
    if found is None:
        return ()
    parts = found.groupdict()
    month = _MONTHS.get((parts.get("month") or "").lower()) or int(parts.get("number") or 0)
    return tuple(part for part in (int(parts["year"]), month, int(parts.get("day") or 0)) if part)


def date_text(text: str) -> str:
    """The first date in the text as it is written; empty without one."""
    found = _first_date(text)
    return found[0] if found else ""


def _first_date(text: str) -> re.Match[str] | None:
    dates = [found for pattern in _DATES if (found := pattern.search(text))]
    return min(dates, key=lambda date: date.start()) if dates else None


def _first_side(head: str, after: int) -> str:
    """The first of two things: after the comma behind the word that compares them, or from the first name on."""
    if after <= len(head):
        rest = head[after:]
        comma = re.search(r"[,:]\s*", rest)
        # "the highest mountain of Scotland or Wales" compares neither Scotland nor Wales.
        return rest[comma.end() :] if comma else rest if _NAME.match(rest) else ""
    name = re.search(r"(?<=, )[^,]+$|(?<=\s)[A-Z].*", head)
    return name[0] if name else ""


def _bare(name: str) -> str:
    return name.strip(" ,.:;?!").removeprefix("the ").strip()
