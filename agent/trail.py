"""The trail to an answer: the quotes that a reader needs to check it, beside those of what the writer says.

A small writer says "She was raised in Kestmark" and leaves out why it speaks of her. What the question names, and no
quote holds yet, leads from the question to the answer; so does the sentence that holds the answer's own words.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.quotes import Quote, held_by
from agent.words import content_words, key_words, without_openings
from hopcite.sentences import split_sentences

_MOST = 2


def trail(question: str, short_answer: str, quotes: Sequence[Quote], sentences: Sequence[Quote]) -> list[Quote]:
    """At most two more of `sentences`: one with the short answer, then those with the question's names, most first.

    None where neither a quote nor a sentence holds the answer: names alone would pass for support.
    """
    asked = content_words(question)
    found: list[Quote] = []
    answer = frozenset[str]() if short_answer.lower() in ("yes", "no") else content_words(short_answer)
    if answer - held_by(quotes):
        holding = [sentence for sentence in sentences if answer <= sentence.words]
        found += sorted(holding, key=lambda sentence: len(asked & sentence.words), reverse=True)[:1]
    names = _names(question)
    while (quotes or found) and len(found) < _MOST:
        missing = names - held_by([*quotes, *found])
        best = max(sentences, key=lambda sentence: (len(missing & sentence.words), len(asked & sentence.words)))
        if not missing & best.words:
            break
        found.append(best)
    return found


def _names(question: str) -> frozenset[str]:
    """Names and numbers, but for the words that sentences begin with."""
    return key_words(without_openings(question[start:end] for start, end in split_sentences(question)))
