"""Citing: each claim of a draft is tied to the fewest verbatim sentences of the evidence that cover its words.

The writer's markers say which passage it had in mind; the words decide. A claim's content words are covered greedily,
sentence by sentence, so a wrong or missing marker is put right where another passage holds the words, and a marker that
no sentence bears out is dropped. Quotes are slices of stored text; nothing that the model wrote is ever quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.quotes import NOTHING, Quote, Withheld, held_by, quotable
from agent.trail import trail
from agent.words import content_words, counts, denies, key_words, life_events
from hopcite.sentences import split_sentences
from hopcite.types import Chunk, Citation, Claim

_MARKER = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
_MARKERS_AFTER_STOP = re.compile(r"([.!?])((?:\s*\[\d[\d,\s]*\])+)")
_SENTENCE_END = re.compile(r"[.!?…。！？؟][\"'”’»)\]*_]*$")
# What only says where the rest comes from: the citation says that.
_ATTRIBUTION = re.compile(
    r"^(?:according to (?:the )?(?:passages?|text)s?,|(?:the |this |these )?(?:passages?|text|evidence) "
    r"(?:states?|mentions?|says?|shows?|indicates?|tells?) that)\s+",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s")
# A model that is asked for one or two sentences and copies a whole passage has answered in the first of them. A list
# that was asked for is as long as it is.
MOST_CLAIMS = 3
_MOST_ITEMS = 20
_MAX_QUOTES = 3
# The share of a claim's content words that a sentence must newly cover to be quoted: little where the writer marked
# its passage or the claim is partly covered already, half of them where it would be our own finding.
_MIN_SHARE = 0.2
_MIN_SHARE_UNMARKED = 0.5
# A marked passage counts this much more per word, so that it wins against a slightly better echo elsewhere.
_MARKED_WEIGHT = 1.5
# From this share of its content words on, and with every name and number, a claim counts as supported.
_SUPPORT = 0.7


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its markers, claims and citations, consistent with one another."""

    answer: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]


def cite(
    text: str,
    passages: Sequence[Chunk],
    *,
    question: str = "",
    short_answer: str = "",
    withheld: Withheld = NOTHING,
    most: int = MOST_CLAIMS,
) -> Cited:
    """Tie the first `most` sentences of `text`, whose markers count `passages` from 1, to quotes, in this order.

    The items of a list come on top of them, and what stood on a line of its own still does. With the question and the
    short answer, also to the quotes that lead from one to the other (`agent.trail`). No sentence that touches a
    `withheld` span is quoted.
    """
    sentences = quotable(passages, withheld)
    tied = [(said, _cover(said.wording, said.marked, sentences)) for said in _first(_said(text), most)]
    quotes = [quote for _, covering in tied for quote in covering]
    for quote in trail(question, short_answer, quotes, sentences) if tied else ():
        max(tied, key=lambda claim: len(content_words(claim[0].wording) & quote.words))[1].append(quote)
    numbers: dict[Quote, int] = {}
    answer = ""
    claims: list[Claim] = []
    for said, covering in tied:
        cited = tuple(numbers.setdefault(quote, len(numbers) + 1) for quote in covering)
        shown = said.wording + "".join(f" [{n}]" for n in cited)
        answer += ("\n" if said.own_line else " ") if answer else ""
        claims.append(Claim(shown, len(answer), len(answer) + len(shown), cited, _supported(said.wording, covering)))
        answer += shown
    citations = tuple(_citation(n, quote, passages[quote.passage]) for quote, n in numbers.items())
    return Cited(answer, tuple(claims), citations)


def uncited(answer: str) -> Cited:
    """An answer as one claim of which nothing is known; none where there is no answer."""
    return Cited(answer, (Claim(answer, 0, len(answer), (), supported=None),) if answer else (), ())


def without_markers(text: str) -> str:
    """The text without numbers in brackets, which nothing would resolve; nor those that are left of "[[1]2]"."""
    while (bare := _MARKER.sub("", text)) != text:
        text = bare
    return text


def extract(question: str, passages: Sequence[Chunk], *, withheld: Withheld = NOTHING) -> str:
    """The evidence's own sentences nearest to the question, marked: the answer when no model may write one.

    Headings hold a question's names and say nothing, so that only what ends like a sentence is taken.
    """
    found = quotable(passages, withheld)
    sentences = [q for q in found if _SENTENCE_END.search(passages[q.passage].text[q.start : q.end])]
    chosen = _cover(question, frozenset(range(len(passages))), sentences)
    return " ".join(f"{passages[q.passage].text[q.start : q.end]} [{q.passage + 1}]" for q in chosen)


def verified(cited: Cited, stored: Mapping[str, Chunk]) -> Cited:
    """Check every quote against the chunks as they are stored now. What fails is dropped, and its claims flagged.

    A quote can fail only when its document changed while the question was being answered.
    """
    bad = {citation.n for citation in cited.citations if not _is_stored(citation, stored)}
    if not bad:
        return cited
    answer = ""
    claims: list[Claim] = []
    for claim in cited.claims:
        kept = tuple(n for n in claim.citations if n not in bad)
        shown = _MARKER.sub(lambda found: "" if int(found[1]) in bad else found[0], claim.text)
        answer += cited.answer[claim.start - 1] if answer else ""
        # What is left need not hold the claim's names.
        supported = claim.supported if kept == claim.citations else (False if kept else None)
        claims.append(Claim(shown, len(answer), len(answer) + len(shown), kept, supported))
        answer += shown
    citations = tuple(citation for citation in cited.citations if citation.n not in bad)
    return Cited(answer, tuple(claims), citations)


def unverified(cited: Cited) -> Cited:
    """The same with its quotes marked as not compared with the store."""
    return replace(cited, citations=tuple(replace(citation, verified=False) for citation in cited.citations))


def _is_stored(citation: Citation, stored: Mapping[str, Chunk]) -> bool:
    chunk = stored.get(citation.chunk_id)
    return chunk is not None and chunk.text[citation.start - chunk.start : citation.end - chunk.start] == citation.quote


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence of the reply without its markers; the passages, from 0, that they name; its place on the page."""

    wording: str
    marked: frozenset[int]
    own_line: bool
    item: bool


def _said(text: str) -> Iterator[_Said]:
    """Each sentence, without "The passage states that".

    Empty phrases are left out, and what was said before, which is all that a model says that goes round in circles.
    """
    text = _MARKERS_AFTER_STOP.sub(r"\2\1", text)
    known: set[str] = set()
    before = 0
    for start, end in split_sentences(text):
        sentence, own_line, before = text[start:end], not before or "\n" in text[before:start], end
        marked = {int(n) - 1 for found in _MARKER.findall(sentence) for n in found.split(",")}
        wording = without_markers(sentence).strip()
        told = _ATTRIBUTION.sub("", wording)
        wording = told if told == wording else told[:1].upper() + told[1:]
        if content_words(wording) and wording not in known:
            known.add(wording)
            yield _Said(wording, frozenset(marked), own_line, own_line and bool(_ITEM.match(wording)))


def _first(said: Iterator[_Said], most: int) -> Iterator[_Said]:
    """The first `most` sentences, and the items of a list."""
    room = {True: _MOST_ITEMS, False: most}
    for each in said:
        room[each.item] -= 1
        if room[each.item] >= 0:
            yield each


def _cover(wording: str, marked: frozenset[int], sentences: Sequence[Quote]) -> list[Quote]:
    """Greedy cover of the claim's words. Ties go to the better passage, then to the earlier sentence."""
    wanted = content_words(wording)
    missing = set(wanted)
    chosen: list[Quote] = []

    def gain(quote: Quote) -> float:
        return len(missing & quote.words) * (_MARKED_WEIGHT if quote.passage in marked else 1.0)

    while missing and sentences and len(chosen) < _MAX_QUOTES:
        best = max(sentences, key=gain)
        expected = best.passage in marked or chosen
        share = len(missing & best.words) / len(wanted)
        if share == 0 or share < (_MIN_SHARE if expected else _MIN_SHARE_UNMARKED):
            break
        chosen.append(best)
        missing -= best.words
    return chosen


def _supported(wording: str, quotes: Sequence[Quote]) -> bool | None:
    """Whether the quotes bear the claim out.

    True: one quote, with its title, holds the claim's names and numbers, and all quotes most of its words; both say
    that something is so, or both that it is not, and none asks; and a birth or death that the claim tells is one there:
    "Valko 1901–1970" in a list of mayors is neither.
    False: a name or number is in no quote. None: nothing was quoted, or the names are there, but apart or with too few
    of the other words: what two sources say of two things need not be true of both together.
    """
    if not quotes:
        return None
    names, wanted = key_words(wording) | counts(wording), content_words(wording)
    held = held_by(quotes)
    if names - held:
        return False
    told = life_events(wording)
    together = any(
        names <= quote.words and quote.denies == denies(wording) and told <= quote.events and not quote.asks
        for quote in quotes
    )
    return True if together and len(wanted & held) / len(wanted) >= _SUPPORT else None


def _citation(n: int, quote: Quote, chunk: Chunk) -> Citation:
    return Citation(
        n=n,
        document_id=chunk.document_id,
        title=chunk.title,
        source=chunk.source,
        page=chunk.page,
        chunk_id=chunk.id,
        start=chunk.start + quote.start,
        end=chunk.start + quote.end,
        quote=chunk.text[quote.start : quote.end],
        verified=True,
    )
