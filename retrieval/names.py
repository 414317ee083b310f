"""The keys by which a passage's words are matched with titles.

A key is a name reduced to what its spellings share: no case, accents, punctuation, possessive or disambiguation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

MAX_WORDS = 8
"""Longest title that a mention is matched with; of the titles of three Wikipedia question sets, 99% fit."""

_MIN_LETTERS = 3
_DISAMBIGUATION = re.compile(r"\s*\([^()]*\)\s*$")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-‐-―/_]+")
_DROPPED = re.compile(r"[^\w ]")
_OPENING = "\"'“”‘’«»()[]{}<>*`„"
# Capitalised for their place in the calendar or the sentence: alone they are no mention of a title.
_NOT_NAMES = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday the a an this that these those it its he his him she her hers they their them we
    our us you your i my me in on at of for from by with as to and or but nor not no yes if when while where who whom
    whose which what why how there here after before during since until although though because however also both
    each most many some other all one two first second new""".split()
)


def title_key(title: str) -> str:
    """The key of a title: "Romeo and Juliet (1968 film)" gives "romeo and juliet". Empty when nothing is left."""
    plain = html.unescape(title)
    return _key(_DISAMBIGUATION.sub("", plain)) or _key(plain)


def phrases_in(text: str) -> tuple[str, ...]:
    """Keys of the runs of up to 8 words, one of them capitalised, that could be a title. Most are none."""
    words = [word for raw in text.split() for word in _words(raw)]
    found: dict[str, None] = {}
    for start in range(len(words)):
        key, capital = "", False
        for word, is_capital in words[start : start + MAX_WORDS]:
            key = f"{key} {word}" if key else word
            capital = capital or is_capital
            if capital and len(key) >= _MIN_LETTERS and key not in _NOT_NAMES and not key.replace(" ", "").isdigit():
                found[key] = None
    return tuple(found)


@lru_cache(maxsize=65536)
def _words(raw: str) -> tuple[tuple[str, bool], ...]:
    """The words of one stretch without white space, and whether it begins with a capital or a digit.

    A hyphenated name is several words: "Franco-Prussian".
    """
    first = raw.lstrip(_OPENING)[:1]
    return tuple((word, first.isupper() or first.isdigit()) for word in _key(raw).split())


def _key(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = _SEPARATORS.sub(" ", _POSSESSIVE.sub("", plain))
    return " ".join(_DROPPED.sub("", plain.casefold()).split())
