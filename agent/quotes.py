"""What may be quoted: the sentences of the passages, with the words that each of them holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from agent.words import content_words, denies, life_events
from hopcite.sentences import split_sentences
from hopcite.types import Chunk

Withheld = Mapping[str, Sequence[tuple[int, int]]]
"""By chunk id, the stretches of its text that may not be quoted (`agent.evidence`)."""
NOTHING: Withheld = MappingProxyType({})
# A statement may end with a title's question mark: "He was seen in Are You Being Served?"
_QUESTION = re.compile(
    r"\W*(?:(?:Q(?:uestion)?|but|and|so|or|yet|then|now|well)\b\W+)?"
    r"(?:(?P<open>(?:[a-z]+ )?(?:who|whom|whose|what|which|when|where|why|how))|"
    r"is|are|was|were|do|does|did|has|have|had|can|could|may|might|will|would|should)\b.*\?\W*",
    re.IGNORECASE | re.DOTALL,
)
_REPLY = re.compile(r"\W*(?:A(?:nswer)?\b\W+)?(?P<first>yes|no)\b|.*\b(?P<last>yes|no)\W*$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a passage. `words` include those of its heading: a page's sentences say "it" for their subject."""

    passage: int
    start: int
    end: int
    words: frozenset[str]
    denies: bool = False
    """Whether it says that something is not so."""
    events: frozenset[str] = frozenset()
    """Which of birth and death it speaks of."""
    asks: bool = False
    """Whether it begins with a question of yes or no that it leaves open, so that its words need not be so."""


def quotable(passages: Sequence[Chunk], withheld: Withheld = NOTHING) -> list[Quote]:
    """The sentences of all passages, in order, but for headings and those that touch a `withheld` span.

    A question says nothing is so: it is quoted with the sentence behind it, or not at all.
    """
    return [
        sentence
        for n, chunk in enumerate(passages)
        for sentence in _sentences(n, chunk)
        if not any(start < sentence.end and sentence.start < end for start, end in withheld.get(chunk.id, ()))
    ]


def held_by(quotes: Iterable[Quote]) -> frozenset[str]:
    """The words of all of them."""
    return frozenset[str]().union(*(quote.words for quote in quotes))


def _sentences(passage: int, chunk: Chunk) -> Iterator[Quote]:
    title = content_words(chunk.title) | _stated(chunk)
    for statement in _statements(chunk.text):
        text, said = chunk.text[statement.start : statement.end], chunk.text[statement.said_from : statement.end]
        words = content_words(text)
        if words - title:  # else it is the heading itself, and shows nothing
            yield Quote(
                passage,
                statement.start,
                statement.end,
                words | title,
                statement.reply == "no" or denies(said),
                life_events(f"{chunk.title} {text}"),
                statement.asks,
            )


class _Statement(NamedTuple):
    """A sentence with the question that it answers, if there is one before it; `said_from`: where itself begins."""

    start: int
    said_from: int
    end: int
    reply: str = ""
    asks: bool = False


def _statements(text: str) -> Iterator[_Statement]:
    """The sentences that say something, each with the question before it; where that stays open, also without."""
    question: tuple[int, bool] | None = None  # where the one before begins, and whether it can't be answered by no
    for start, end in split_sentences(text):
        sentence = text[start:end]
        if found := _QUESTION.fullmatch(sentence):
            question = start, bool(found["open"])
            continue
        if question is None:
            yield _Statement(start, start, end)
            continue
        (asked_from, answered), question = question, None
        if not answered and (reply := _REPLY.match(sentence)):
            yield _Statement(asked_from, start, end, (reply["first"] or reply["last"]).lower())
        # Behind a title a sentence goes on: "Is He Dead? is a play."
        elif answered or sentence[0].islower() or sentence[0] == "(":
            yield _Statement(asked_from, start, end)
        else:
            yield _Statement(start, start, end)
            yield _Statement(asked_from, start, end, asks=True)


def _stated(chunk: Chunk) -> frozenset[str]:
    """Words of the publisher and the date, which the writer reads beside the title: 2023-10-03, October, 2023.

    Not the bare day: any number of the claim could be that.
    """
    words = content_words(chunk.metadata.get("publisher", ""))
    try:
        day = date.fromisoformat(chunk.metadata.get("published_at", "")[:10])
    except ValueError:
        return words
    return words | content_words(f"{day.isoformat()} {day:%B} {day.year}")
