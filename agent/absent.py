"""Names in a question that no document has: what nothing tells of, nothing answers, though a small writer tries.

A name is there when one passage has all its words: "College Lovers" is not where one speaks of a college and another
of lovers. By rule, and for English wordings: elsewhere a capital need not make a name. Measured in docs/decisions.md,
"Names that are not there".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from agent.words import content_words, is_english, without_openings
from hopcite.sentences import split_sentences
from retrieval.names import names_in

# Documents may write out what a question abbreviates, so that a name has small letters, too.
_NAME_WORD = re.compile(r"[^\W\d_a-z][\w'’-]*[^\W\d_A-Z][\w'’-]*")
_SHORTEST = 4
# "Where Was Imre Valko Born?"
_IN_CAPITALS = re.compile(r"\b(?:Was|Were|Is|Are|Did|Does|Do|Has|Have)\b")
_LIKE = 0.8  # of a word, by difflib: "Parliment" is meant to be Parliament


def names_asked(question: str) -> dict[str, str]:
    """The names of an English question, as `telling_words` has them, up to its last sentence that asks.

    What follows tells how to answer: "Reply in French." None where each word has a capital.
    """
    if not is_english(question):
        return {}
    sentences = [question[start:end] for start, end in split_sentences(question)]
    while len(sentences) > 1 and not sentences[-1].rstrip(" \"'”’)").endswith("?"):
        sentences.pop()
    inner = without_openings(sentences)
    return {} if _IN_CAPITALS.search(inner) else telling_words(inner)


def telling_words(text: str) -> dict[str, str]:
    """The names in a text, each with those of its words that say which it is; without such words it is left out."""
    found = {
        name: " ".join(word for word in name.split() if len(word) >= _SHORTEST and _NAME_WORD.fullmatch(word))
        for name in names_in(text)
    }
    return {name: words for name, words in found.items() if content_words(words)}


def unheard(names: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Those of which no text has all the words, or words so like them that they may be meant."""
    said = [content_words(text) for text in texts]
    return {name: words for name, words in names.items() if not any(_has(text, content_words(words)) for text in said)}


def _has(said: frozenset[str], words: frozenset[str]) -> bool:
    return all(word in said or difflib.get_close_matches(word, said, n=1, cutoff=_LIKE) for word in words)
