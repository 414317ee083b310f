"""Values as short answers give them, dates, amounts and names, and what two of them say of each other.

What is not certain is no value: a year BC, "about 1340", a number that is one end of a range or may be a year. Two such
decide nothing, and a model reads them.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Literal

from agent.words import content_words

_MONTHS = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), start=1
    )
}
_MONTH = "|".join(_MONTHS)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_COUNTED = (
    r"%|(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|people|inhabitants|residents|members|miles?|feet|foot|ft"
    r"|k?m|kilo\w+|met(?:re|er)s?|kg|t|tons?|tonnes?|square|million|billion|thousand)\b"
)
# No year: the ends of "1,500" and "3.1416", "-384", "$900", "900 years".
_YEAR = (
    r"(?<![$€£¥−-])(?<!\d\.)(?P<year>\d{4}|(?<!\d,)\d{3})"
    rf"(?!\d|,\d{{3}}\b|\.\d|[\s-]*(?:{_COUNTED}))"
)
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
_BEFORE_CHRIST = re.compile(r"\bB\.?\s?C(?:\.?\s?E)?\b", re.IGNORECASE)
_INEXACT = re.compile(
    r"\bca?\.?\s?\d|\b(?:circa|about|around|approx\w*|roughly|nearly|almost|possibly|probably|perhaps|before|after|by"
    r"|until|between|over|under|(?:more|less|fewer) than|at (?:least|most)|up to|minus)\b|[<>~≈±]"
    rf"|(?:\d|\b(?:{_MONTH})) or\b|\bor \d|\d{{3}}(?:['’]?s\b|\s?[/?])",
    re.IGNORECASE,
)
_YEARS = re.compile(r"\d{3,4}\s*(?:[–—-]|\bto\b)\s*(?:\w+\s+){0,2}\d+\b(?!-)")  # "1901–1905", and not "1989-07-31"
_RANGE = re.compile(r"\d\s*(?:[–—:/-]|\bto\b)\s*\d")
_AMOUNT = re.compile(
    r"(?P<minus>[−–-]\s?)?(?P<currency>(?:\b[A-Z]{1,3})?[$€£¥₹])?\s?(?<![\w.,])"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d,.]\d)\s*"
    r"(?:(?P<scale>thousand|million|billion|trillion)\b\s*)?"
    r"(?P<unit>(?:(?:square|sq\.?|cubic|nautical)\s+)?[%°]?[^\W\d]*)(?P<compound>\.?,?\s*(?:and\s+)?\d)?"
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_UNITS = {
    word: unit
    for unit, words in {
        "m": "metre metres meter meters",
        "km": "kilometre kilometres kilometer kilometers kms",
        "ft": "foot feet",
        "mi": "mile miles",
        "kg": "kilogram kilograms kilogramme kilogrammes kilos",
        "t": "tonne tonnes",
    }.items()
    for word in words.split()
}
# What may be a scale: nothing says that a bare number has it too.
_SHORT_SCALES = frozenset("k K M mn mln bn Bn tn trn dozen hundred lakh crore".split())
_NO_UNITS = frozenset((*_MONTHS, "st", "nd", "rd", "th"))
_NAME = re.compile(r"[^\W\d_a-z][^\W\d_]*[a-z]{2}(?:[ -][^\W\d_a-z][^\W\d_]*[a-z]{2})*")
_ADJECTIVE = re.compile(r"(?:ish|ese|an|ch|sh|ss|ek|ic|i|ino)$")
_NATIONS = (
    (
        re.compile(r"(?:the )?(?:United States(?: of America)?|U\.?S\.?(?:A\.?)?)", re.IGNORECASE),
        ("America", "American"),
    ),
    (re.compile(r"(?:the )?(?:United Kingdom|U\.?K\.?|Great Britain)", re.IGNORECASE), ("Britain", "British")),
)
# Names that two people of one country may go by.
_KIN = tuple(
    content_words(names)
    for names in (
        "Britain British Kingdom England English Scotland Scottish Wales Welsh Ireland Irish",
        "Soviet Russia Russian Ukraine Ukrainian",
        "Holland Netherlands",
        "Persia Persian Iran Iranian",
        "Siam Thailand Burma Myanmar Ceylon Lanka",
        "Turkey Türkiye",
        "Kiev Kyiv",
        "Bombay Mumbai",
        "Calcutta Kolkata",
        "Constantinople Istanbul",
        "Madras Chennai",
        "Peking Beijing",
        "Petersburg Petrograd Leningrad",
    )
)


def ordered(first: str, second: str, *, dates: bool) -> int:
    """-1: the first is less or earlier, 1: more or later, 0: not known. A year says nothing about a day in it."""
    if dates:
        one, other = date_in(first), date_in(second)
        shared = min(len(one), len(other))
        return (one[:shared] > other[:shared]) - (one[:shared] < other[:shared])
    numbers = _numbers(first, second)
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1]) if numbers else 0


def longer_lived(first: tuple[str, str], second: tuple[str, str]) -> int:
    """As `ordered`, of two lives, each with the dates of its birth and death: 1 where the first is certainly longer."""
    one, other = _days_between(*first), _days_between(*second)
    if not one or not other:
        return 0
    return (one[0] > other[1]) - (one[1] < other[0])


def _days_between(born: str, died: str) -> tuple[int, int] | None:
    """The fewest days and the most; None without two dates in this order."""
    begin, end = _days(date_in(born)), _days(date_in(died))
    return (end[0] - begin[1], end[1] - begin[0]) if begin and end and end[1] >= begin[0] else None


def _days(told: tuple[int, ...]) -> tuple[int, int] | None:
    """The first and last day that a date as of `date_in` may be, counted from year 1."""
    if not told:
        return None
    year, month, day = (*told, 0, 0)[:3]
    try:
        last = monthrange(year, month or 12)[1]
        return date(year, month or 1, day or 1).toordinal(), date(year, month or 12, day or last).toordinal()
    except ValueError:  # 31 February
        return None


def alike(first: str, second: str, thing: str) -> Literal["yes", "no", ""]:
    """Whether both are the same `thing` ("country"). Empty unless they are equal, or plainly two of one kind."""
    kind = thing.lower().split()
    if "year" in kind:
        years = date_in(first)[:1], date_in(second)[:1]
        return ("yes" if years[0] == years[1] else "no") if all(years) else ""
    if "number" in kind and (numbers := _numbers(first, second)):
        return "yes" if numbers[0] == numbers[1] else "no"
    first, second = _in_one_word(first, second), _in_one_word(second, first)
    one, other = (content_words(text) - content_words(thing) - {"unknown", "none"} for text in (first, second))
    if one and one == other:
        return "yes"
    return "no" if _two_names(first, second) and not (one <= other or other <= one) else ""


def _in_one_word(nation: str, other: str) -> str:
    """The nations with long names by their short ones, in the form that the other has: "America", "American"."""
    found = next((names for long, names in _NATIONS if long.fullmatch(nation.strip())), None)
    return found[bool(_ADJECTIVE.search(other))] if found else nation


def _two_names(first: str, second: str) -> bool:
    """Two names of one form, "Sweden" and "Kenya", which do not begin alike as "Sweden" and "Swedish" do."""
    if not (_NAME.fullmatch(first) and _NAME.fullmatch(second)) or len(first.split()) != len(second.split()):
        return False
    one, other = content_words(first), content_words(second)
    kin = any(one & names and other & names for names in _KIN)
    form = bool(_ADJECTIVE.search(first)) == bool(_ADJECTIVE.search(second))
    within = first.lower() in second.lower() or second.lower() in first.lower()
    same_start = len(first.split()) == 1 and first[:3].lower() == second[:3].lower()
    return form and not (kin or within or same_start)


def date_in(text: str) -> tuple[int, ...]:
    """The first date in the text as (year, month, day), as far as it is given; empty without a certain one."""
    found = _first_date(text)
    if found is None:
        return ()
    parts = found.groupdict()
    month = _MONTHS.get((parts.get("month") or "").lower()) or int(parts.get("number") or 0)
    return tuple(part for part in (int(parts["year"]), month, int(parts.get("day") or 0)) if part)


def date_text(text: str) -> str:
    """The first date in the text as it is written; empty without a certain one."""
    found = _first_date(text)
    return found[0] if found else ""


def before_christ(text: str) -> bool:
    """Whether the text tells a year BC."""
    return bool(_BEFORE_CHRIST.search(text))


def _first_date(text: str) -> re.Match[str] | None:
    if before_christ(text) or _INEXACT.search(text) or _YEARS.search(text):
        return None
    dates = [found for pattern in _DATES if (found := pattern.search(text)) and int(found["year"])]
    return min(dates, key=lambda date: date.start()) if dates else None


def _numbers(first: str, second: str) -> tuple[float, float] | None:
    """Both amounts, where they are of one unit. A bare number has the other's: both answer the same question."""
    one, other = _amount(first), _amount(second)
    if one is None or other is None:
        return None
    units = {one[1], other[1]}
    return (one[0], other[0]) if len(units) == 1 or ("" in units and not units & _SHORT_SCALES) else None


def _amount(text: str) -> tuple[float, str] | None:
    """The first amount with its unit; None where it is no certain one.

    Nor is one below zero: the deeper of two is the lower.
    """
    found = None if before_christ(text) or _INEXACT.search(text) or _RANGE.search(text) else _AMOUNT.search(text)
    if found is None or found["minus"] or found["compound"] or found["unit"].lower() in _NO_UNITS:
        return None
    number, unit, currency = found["number"], found["unit"], found["currency"] or ""
    bare = not (currency or found["scale"] or content_words(unit) - {"s"})
    if bare and re.fullmatch(r"1\d{3}|20\d\d", number):  # as likely a year
        return None
    unit = _UNITS.get(unit.lower(), unit.removesuffix("s") if len(unit) > 3 else unit)
    return float(number.replace(",", "")) * _SCALES.get(found["scale"] or "", 1), currency + unit
