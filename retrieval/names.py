"""The keys by which a passage's words are matched with titles.

A key is a name reduced to what its spellings share: no case, accents, punctuation, possessive or disambiguation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

MAX_WORDS = 8
"""Longest title that a mention is matched with; of the titles of three Wikipedia question sets, 99% fit."""

_MIN_LETTERS = 3
_DISAMBIGUATION = re.compile(r"\s*\([^()]*\)\s*$")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s\-‐-―/_]+")
_DROPPED = re.compile(r"[^\w ]")
_CLOSING = ".,;:!?…"
_JOINING = frozenset("of the de von van du la del der di da".split())
_OPENING = "\"'“”‘’«»()[]{}<>*`„"
# Capitalised for their place in the calendar or the sentence: alone they are no mention of a title.
_NOT_NAMES = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday the a an this that these those it its he his him she her hers they their them we
    our us you your i my me in on at of for from by with as to and or but nor not no yes if when while where who whom
    whose which what why how there here after before during since until although though because however also both
    each most many some other all one two first second new is are was were do does did has have had""".split()
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
        key, capital, number = "", False, True
        for word, is_capital in words[start : start + MAX_WORDS]:
            key = f"{key} {word}" if key else word
            capital = capital or is_capital
            number = number and word.isdigit()
            if capital and not number and len(key) >= _MIN_LETTERS and key not in _NOT_NAMES:
                found[key] = None
    return tuple(found)


def names_in(text: str) -> tuple[str, ...]:
    """Proper names as they are written: runs of capitalised words, also such as "University of Ghent". None twice."""
    found: dict[str, None] = {}
    run: list[str] = []
    for raw in [*text.split(), "."]:
        bare = raw.strip(_OPENING + _CLOSING)
        word = _POSSESSIVE.sub("", bare)
        if word[:1].isupper() or (run and (word in _JOINING or word[:1].isdigit())):
            inside = word == bare and not _ends(raw, word)
            run.append(f"{word}." if inside and raw.rstrip(_OPENING).endswith(".") else word)
            if inside:
                continue
        name = _name(run)
        if name:
            found[name] = None
        run = []
    return tuple(found)


def mentions(text: str, name: str) -> bool:
    """Whether a text that is case-folded already has the name in it, as whole words."""
    start = text.find(name := name.casefold())
    while start >= 0:
        around = text[start - 1 : start] + text[start + len(name) : start + len(name) + 1]
        if not any(c.isalnum() for c in around):
            return True
        start = text.find(name, start + 1)
    return False


def _ends(raw: str, word: str) -> bool:
    """Whether punctuation ends the name after this word: a full stop does not after an initial, or in "St."."""
    last = raw.rstrip(_OPENING)[-1:]
    return last in ",;:!?)" or (last == "." and len(word) > _MIN_LETTERS)


def _name(run: Sequence[str]) -> str:
    words = list(run)
    while words and words[0].casefold() in _NOT_NAMES:
        words.pop(0)
    while words and words[-1] in _JOINING:
        words.pop()
    name = " ".join(words)
    return name if len(name) >= _MIN_LETTERS else ""


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
