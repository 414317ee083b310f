"""Names in a question that no document has: what nothing tells of, nothing answers, though a small writer tries.

By rule, and for English wordings: elsewhere a capital need not make a name. Measured in docs/decisions.md, "Names that
are not there".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from agent.words import content_words
from retrieval.names import names_in

# Documents may write out what a question abbreviates, so that a name has small letters, too.
_NAME_WORD = re.compile(r"[^\W\d_a-z][\w'’-]*[^\W\d_A-Z][\w'’-]*")
_SHORTEST = 4
_ENGLISH = re.compile(r"\b(?:the|of|who|whose|which|what|when|where|how|did|does)\b", re.IGNORECASE)
_LIKE = 0.8  # of a word, by difflib: "Parliment" is meant to be Parliament


def names_asked(question: str) -> dict[str, str]:
    """The words of an English question's names, as `name_words` has them. Its first word has a capital anyway."""
    return name_words(question.strip().partition(" ")[2]) if _ENGLISH.search(question) else {}


def name_words(text: str) -> dict[str, str]:
    """The words of a text's names, folded, each with the name that it is of."""
    return {
        folded: name
        for name in names_in(text)
        for word in name.split()
        if len(word) >= _SHORTEST and _NAME_WORD.fullmatch(word)
        for folded in content_words(word)
    }


def unheard(words: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Those that no text has, nor a word so like them that it may be meant."""
    said = frozenset[str]().union(*map(content_words, texts))
    return {
        word: name
        for word, name in words.items()
        if word not in said and not difflib.get_close_matches(word, said, n=1, cutoff=_LIKE)
    }
