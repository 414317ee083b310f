"""Comparing wordings without a model: the words that carry a sentence's content, and its names and numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")
_EMPTY_WORDS = frozenset(
    "a about after all also an and any are as at be been before being both but by can could did do does for from had "
    "has have he her hers him his i if in into is it its itself more most no nor not of on or other our own per same "
    "she so some such than that the their theirs them then there these they this those to too under until up upon was "
    "we were what when where which while who whom whose why will with would yes you your".split()
)

# "One" says a number only now and then.
_COUNTS = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(),
        start=2,
    )
} | {word: f"{tens}0" for tens, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), start=3)}

# "b. 1901" is a birth, the initial of "George B. McClellan" none.
_EVENTS = {
    "birth": re.compile(r"(?i:\b(?:born|birth\w*|née?|native)\b)|\bb\.\s?(?:c\.\s?)?\d"),
    "death": re.compile(
        r"(?i:\b(?:die[sd]?|dying|death\w*|dead|deceased|killed|murdered|executed|assassinated|beheaded|hanged|drowned"
        r"|perished|suicide|passed away)\b)|\bd\.\s?(?:c\.\s?)?\d"
    ),
}
# "Imre Valko (3 May 1901 (baptised) – 1970)": the years of a life stand in such brackets.
_BRACKETS = re.compile(r"\([^()]{0,80}(?:\([^()]{0,40}\)[^()]{0,80})?\)")
_YEAR = re.compile(r"(?<!\d)\d{3,4}(?!\d)")
_ENGLISH = re.compile(r"\b(?:the|of|who|whose|which|what|when|where|how|did|does)\b", re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:not(?! only\b)|never|neither|nor|cannot|none|nobody|no(?!\.?\s*\d)(?! (?:doubt|(?:less|fewer|more) than)\b)"
    r"|denie[sd]|deny|failed to|refused to)\b|n['’]t\b",
    re.IGNORECASE,
)


def content_words(text: str) -> frozenset[str]:
    """Words that carry content, folded: lower case, no accents, no possessive or plural s, no comma in numbers.

    "Twelve" is "12".
    """
    return frozenset(key for key, _ in _folded_words(text))


def key_words(text: str) -> frozenset[str]:
    """Names and numbers: the content words written with a capital or a digit."""
    return frozenset(key for key, word in _folded_words(text) if word[0].isupper() or any(c.isdigit() for c in word))


def counts(text: str) -> frozenset[str]:
    """Numbers written out as words, from two on, as `content_words` has them."""
    return frozenset(key for key, word in _folded_words(text) if word.lower() in _COUNTS)


def denies(text: str) -> bool:
    """Whether the text says that something is not so, which its content words do not tell."""
    return bool(_DENIAL.search(text))


def without_openings(sentences: Iterable[str]) -> str:
    """Sentences without their first words, whose capitals say nothing."""
    return " . ".join(sentence.strip().partition(" ")[2] for sentence in sentences)


def is_english(question: str) -> bool:
    """Whether a question has one of the words that English questions have: rules on wording are for these."""
    return bool(_ENGLISH.search(question))


def life_events(text: str) -> frozenset[str]:
    """Which of birth and death the text speaks of. Years in brackets, "(1901–1970)", are both; bare ones neither."""
    if any(len(_YEAR.findall(brackets)) >= 2 for brackets in _BRACKETS.findall(text)):
        return frozenset(_EVENTS)
    return frozenset(name for name, said in _EVENTS.items() if said.search(text))


def _folded_words(text: str) -> list[tuple[str, str]]:
    words = [word for word in _WORD.findall(text) if word.lower() not in _EMPTY_WORDS]
    return [(_fold(word), word) for word in words]


def _fold(word: str) -> str:
    folded = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    folded = re.sub(r"['’]s?$|['’]s$", "", folded)
    if folded in _COUNTS:
        return _COUNTS[folded]
    if any(c.isdigit() for c in folded):
        return re.sub(r"(?<=\d),(?=\d{3})", "", folded)
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss") else folded
