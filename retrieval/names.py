"""Which passages name which: the keys that hops follow, without a language model.

A key is a name reduced to what its spellings share: no case, accents, punctuation, possessive or disambiguation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_WORDS = 8
"""Longest name that is followed. Of 25,802 Wikipedia titles, 99% have no more words."""

_MIN_LETTERS = 3
_DISAMBIGUATION = re.compile(r"\s*\([^()]*\)\s*$")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-‐-―/_]+")
_DROPPED = re.compile(r"[^\w ]")
_WORD = re.compile(r"\S+")
_BREAK = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_ABBREVIATION = re.compile(r"(?:^|\W)(?:\w|\w\.\w|Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Mt|Ft|Lt|Col|Gen|Prof|Rev)\.$")
_EDGES = "\"'“”‘’«»()[]{}<>,;:!?…*`„"
_CONNECTORS = frozenset(
    "of the and & de la le les du des del della di da do dos von van der den for in on at to a an y e et".split()
)
# Capitalised for their place in the calendar or the sentence; alone they name no passage worth a hop.
_NOT_NAMES = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday the a an this that these those it its he his him she her hers they their them we
    our us you your i my me in on at of for from by with as to and or but nor not no yes if when while where who whom
    whose which what why how there here after before during since until although though because however also both
    each most many some other all one two first second new""".split()
)


@dataclass(frozen=True, slots=True)
class _Word:
    key: str
    capital: bool
    ends_run: bool


def title_key(title: str) -> str:
    """The key of a title: "Romeo and Juliet (1968 film)" gives "romeo and juliet". Empty when nothing is left."""
    plain = html.unescape(title)
    return _key(_DISAMBIGUATION.sub("", plain)) or _key(plain)


def names_in(text: str) -> tuple[str, ...]:
    """Keys of what a passage names: its capitalised phrases and their parts, in order, without repeats."""
    words = _words(text)
    found: dict[str, None] = {}
    for start, word in enumerate(words):
        if word.capital:
            for end in _capital_ends(words, start):
                found.update(dict.fromkeys(_worth(words[start:end])))
    return tuple(found)


def phrases_in(text: str) -> tuple[str, ...]:
    """Keys of every run of up to 8 words that could be a title: to be matched against titles, so most match none."""
    words = _words(text)
    found: dict[str, None] = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + MAX_WORDS, len(words)) + 1):
            if any(word.capital for word in words[start:end]):
                found.update(dict.fromkeys(_worth(words[start:end])))
    return tuple(found)


def _capital_ends(words: list[_Word], start: int) -> Iterator[int]:
    """Where a name that begins at `start` may end: after each capitalised word of its run."""
    for end in range(start + 1, min(start + MAX_WORDS, len(words)) + 1):
        last = words[end - 1]
        if last.capital:
            yield end
        elif last.key not in _CONNECTORS:
            return
        if last.ends_run:
            return


def _worth(words: list[_Word]) -> list[str]:
    key = " ".join(word.key for word in words if word.key)
    if len(key) < _MIN_LETTERS or key in _NOT_NAMES or key.replace(" ", "").isdigit():
        return []
    return [key]


def _words(text: str) -> list[_Word]:
    words = []
    for match in _WORD.finditer(text):
        raw = match.group()
        inner = raw.strip(_EDGES)
        # A hyphenated name is several words of a key: "Franco-Prussian War".
        parts = _key(inner).split()
        ends = bool(_BREAK.search(raw)) and not _ABBREVIATION.search(raw.strip("\"'“”‘’()[]"))
        capital = inner[:1].isupper() or inner[:1].isdigit()
        words += [_Word(part, capital, ends and part is parts[-1]) for part in parts]
    return words


def _key(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = _SEPARATORS.sub(" ", _POSSESSIVE.sub("", plain))
    return " ".join(_DROPPED.sub("", plain.casefold()).split())
