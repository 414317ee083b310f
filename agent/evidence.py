"""Evidence is data: what models are shown of the passages, and which of their words may be quoted.

Models see a passage without the sentences that speak to them (`agent.suspicion`), and with what would be taken for the
prompt's own marks, or for a turn of the chat, made harmless. The stored passage stays as it is: citations quote it, but
never the words that were withheld. A passage with nothing suspicious is shown as it is stored, to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.prompts import PLAN_SYSTEM, WRITE_EXAMPLES, WRITE_SYSTEM
from agent.suspicion import CONTROL, LABEL, MARKER, Span, form_of, hidden, suspicious
from agent.words import content_words
from agent.write import Draft
from hopcite.sentences import split_sentences
from hopcite.types import Chunk, Hit

# A passage that loses this share of its words is not evidence but an attack: it is shown to no model.
_QUARANTINE = 0.75
_WORD = re.compile(r"[^\W_]+")
# An answer shares this many words in a row with the prompt only when it repeats it.
_LEAKED_WORDS = 8
_BRACKETS = str.maketrans("<>[]", "‹›()")


@dataclass(frozen=True, slots=True)
class Screened:
    """A passage as it is stored, and as models are shown it: the same object where nothing was suspicious."""

    stored: Chunk
    seen: Chunk
    withheld: tuple[Span, ...] = ()
    """Offsets into the text of the chunk."""
    signs: tuple[str, ...] = ()
    """What was found, for the trace."""
    quarantined: bool = False
    """Whether so much is withheld that no model should see the rest."""


def screen(chunk: Chunk) -> Screened:
    """Look through one passage."""
    found = suspicious(chunk.text)
    signs = dict.fromkeys(found.values())
    if title := form_of(chunk.title):
        signs[f"{title}, in the title"] = None
    seen, marks = _neutral(_without(chunk.text, found))
    heading, more = _neutral(" ".join(chunk.title.split()) if "\n" in chunk.title else chunk.title)
    metadata = {name: _neutral(value)[0] for name, value in chunk.metadata.items() if not form_of(value)}
    signs.update(dict.fromkeys((*marks, *more)))
    if (seen, heading, metadata) != (chunk.text, chunk.title, chunk.metadata):
        lost = sum(len(_WORD.findall(chunk.text[start:end])) for start, end in found)
        share = lost / max(1, len(_WORD.findall(chunk.text)))
        shown = replace(chunk, title=heading, text=seen, metadata=metadata)
        return Screened(chunk, shown, tuple(found), tuple(signs), bool(title) or share >= _QUARANTINE)
    return Screened(chunk, chunk, (), tuple(signs), bool(title))


def screened(chunks: Iterable[Chunk], *, defences: bool) -> list[Screened]:
    """The passages that models may see, in order. Without defences all of them, as they are stored."""
    if not defences:
        return [Screened(chunk, chunk) for chunk in chunks]
    return [passage for chunk in chunks if not (passage := screen(chunk)).quarantined]


def trusted_first(hits: Sequence[Hit], *, defences: bool) -> tuple[Hit, ...]:
    """The ranking with quarantined passages at its end, so that no attack is ranked above evidence."""
    if not defences:
        return tuple(hits)
    ordered = sorted(hits, key=lambda hit: screen(hit.chunk).quarantined)
    return tuple(hit if hit.rank == rank else replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1))


def withheld(passages: Iterable[Screened]) -> dict[str, tuple[Span, ...]]:
    """What may not be quoted, by chunk id."""
    return {passage.stored.id: passage.withheld for passage in passages if passage.withheld}


def findings(hits: Iterable[Hit], *, defences: bool) -> dict[str, object]:
    """For the trace: what was found in which chunk. Empty as a rule."""
    signs = {hit.chunk.id: list(screen(hit.chunk).signs) for hit in hits} if defences else {}
    return {"screened": found} if (found := {id_: names for id_, names in signs.items() if names}) else {}


def without_prompt(draft: Draft, passages: Sequence[Screened], question: str) -> Draft:
    """The draft without the sentences that repeat the prompt, and without a short answer that is one of its examples'.

    Words that the passages or the question hold may stay.
    """
    public = _words_of(question, [passage.seen for passage in passages])

    def leaks(text: str) -> bool:
        return any(not content_words(run) <= public for run in _runs(text) if run in _PROMPT_RUNS)

    kept = [draft.text[start:end] for start, end in split_sentences(draft.text)]
    told = [sentence for sentence in kept if not leaks(sentence)]
    copied = _is_copied(draft.short_answer, public)
    short = "" if copied or leaks(draft.short_answer) else draft.short_answer
    if len(told) == len(kept) and short == draft.short_answer:
        return draft
    return replace(
        draft, text=" ".join(told), short_answer=short, unknown=draft.unknown or copied or not (told or short)
    )


def without_examples(answer: str, passages: Sequence[Chunk], question: str) -> str:
    """A step's answer, or nothing where it is one of the prompt's examples."""
    return "" if _is_copied(answer, _words_of(question, passages)) else answer


def _words_of(question: str, passages: Sequence[Chunk]) -> frozenset[str]:
    return content_words(" ".join([question, *(f"{passage.title} {passage.text}" for passage in passages)]))


def _is_copied(answer: str, public: frozenset[str]) -> bool:
    words = content_words(answer)
    return bool(words) and words <= _EXAMPLE_WORDS and not words & public


def _without(text: str, found: Mapping[Span, str]) -> str:
    """The text with these spans cut out, and the white space that they leave behind."""
    if not found:
        return text
    pieces, at = [], 0
    for start, end in found:
        pieces.append(text[at:start])
        at = end
    pieces.append(text[at:])
    return re.sub(r"[ \t]*\n\s*", "\n", re.sub(r"[ \t]{2,}", " ", "".join(pieces))).strip()


def _neutral(text: str) -> tuple[str, list[str]]:
    """The text with nothing in it that could be taken for part of the prompt, and what that was."""
    signs = []
    for start, end in reversed(hidden(text)):
        text = text[:start] + "".join(re.findall(r"\w", text[start:end])) + text[end:]
        signs.append("hidden characters")
    for pattern, sign in ((CONTROL, "control tokens"), (MARKER, "passage numbers")):
        if pattern.search(text):
            text = pattern.sub(lambda mark: mark[0].translate(_BRACKETS), text)
            signs.append(sign)
    if LABEL.search(text):
        text = LABEL.sub(r"\1 –", text)
        signs.append("the prompt's labels")
    return text, signs


def _runs(text: str) -> set[str]:
    """All runs of `_LEAKED_WORDS` words; of a shorter text the whole."""
    words = _WORD.findall(MARKER.sub("", text).casefold())
    return {" ".join(words[n : n + _LEAKED_WORDS]) for n in range(max(1, len(words) - _LEAKED_WORDS + 1))}


_EXAMPLE_WORDS = frozenset(  # but for yes, no and the passages' numbers
    word for word in content_words(" ".join(part for example in WRITE_EXAMPLES for part in example)) if len(word) > 3
)
_SYSTEM = f"{WRITE_SYSTEM} {PLAN_SYSTEM}"
_PROMPT_RUNS = frozenset(
    run
    for text in (_SYSTEM, *_SYSTEM.split(". "), *(part for example in WRITE_EXAMPLES for part in example))
    for run in _runs(text)
)
