"""Which passages name which: the keys that hops follow, without a language model.

A key is a name reduced to what its spellings share: no case, accents, punctuation, possessive or disambiguation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_WORDS = 8
"""Longest name that is followed; of the titles of three Wikipedia question sets, 99% fit."""

_MIN_LETTERS = 3
_DISAMBIGUATION = re.compile(r"\s*\([^()]*\)\s*$")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-‐-―/_]+")
_DROPPED = re.compile(r"[^\w ]")
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
        if not word.capital:
            continue
        key = ""
        for following in words[start : start + MAX_WORDS]:
            if not following.capital and following.key not in _CONNECTORS:
                break
            key = f"{key} {following.key}" if key else following.key
            if following.capital and _is_name(key):
                found[key] = None
            if following.ends_run:
                break
    return tuple(found)


def phrases_in(text: str) -> tuple[str, ...]:
    """Keys of every run of up to 8 words that could be a title: to be matched against titles, so most match none."""
    words = _words(text)
    found: dict[str, None] = {}
    for start in range(len(words)):
        key, capital = "", False
        for following in words[start : start + MAX_WORDS]:
            key = f"{key} {following.key}" if key else following.key
            capital = capital or following.capital
            if capital and _is_name(key):
                found[key] = None
    return tuple(found)


def _is_name(key: str) -> bool:
    return len(key) >= _MIN_LETTERS and key not in _NOT_NAMES and not key.replace(" ", "").isdigit()


def _words(text: str) -> list[_Word]:
    return [word for raw in text.split() for word in _parts(raw)]


@lru_cache(maxsize=65536)
def _parts(raw: str) -> tuple[_Word, ...]:
    """The words of one stretch without white space; a hyphenated name is several: "Franco-Prussian"."""
    inner = raw.strip(_EDGES)
    keys = _key(inner).split()
    ends = bool(_BREAK.search(raw)) and not _ABBREVIATION.search(raw.strip("\"'“”‘’()[]"))
    capital = inner[:1].isupper() or inner[:1].isdigit()
    return tuple(_Word(key, capital, ends and n == len(keys)) for n, key in enumerate(keys, start=1))


def _key(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = _SEPARATORS.sub(" ", _POSSESSIVE.sub("", plain))
    return " ".join(_DROPPED.sub("", plain.casefold()).split())
