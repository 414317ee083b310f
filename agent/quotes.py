"""What may be quoted: the sentences of the passages, with the words that each of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from agent.words import content_words, denies, life_events
from hopcite.sentences import split_sentences
from hopcite.types import Chunk

Withheld = Mapping[str, Sequence[tuple[int, int]]]
"""By chunk id, the stretches of its text that may not be quoted (`agent.evidence`)."""
NOTHING: Withheld = MappingProxyType({})


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


def quotable(passages: Sequence[Chunk], withheld: Withheld = NOTHING) -> list[Quote]:
    """The sentences of all passages, in order, but for headings and those that touch a `withheld` span."""
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
    for start, end in split_sentences(chunk.text):
        text = chunk.text[start:end]
        words = content_words(text)
        if words - title:  # else it is the heading itself, and shows nothing
            yield Quote(passage, start, end, words | title, denies(text), life_events(f"{chunk.title} {text}"))


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
