"""Sources that disagree: two sentences of different documents that give one thing two values.

By rule, and narrow, so that what is found is a disagreement: the sentences have the same subject and the same kind of
value (a number of the same noun, the length, height or the like in the same unit, or the year of an event that happens
once), name the same years, and share no such value. Differences of names are left to the reader of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.cite import Cited, without_markers
from agent.words import content_words, key_words
from hopcite.sentences import split_sentences
from hopcite.types import Chunk, Citation, Claim

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_AMOUNT = re.compile(rf"(?<![\w.,/–-])({_NUMBER})\s+(?:(million|billion)\s+)?([a-z]{{3,}})(?:\s+(in\s+)?([a-z]+))?")
_ONCE = "born died founded established opened completed built launched inaugurated incorporated created finished"
_EVENT = re.compile(
    rf"\b({'|'.join(_ONCE.split())})\s+(?:(?!(?:an?|the)\b)[a-z]+\s+){{0,2}}?(?:in|on)\s+[^.;,(]{{0,20}}?\b(1\d{{3}}|20\d\d)\b"
)
_NUMBERS = re.compile(_NUMBER)
_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b")
_DIMENSIONS = {"long": "long", "length": "long", "wide": "wide", "width": "wide", "high": "high", "tall": "high",
               "height": "high", "deep": "deep", "depth": "deep", "heavy": "heavy"}  # fmt: skip
_UNITS = frozenset(
    "metres meters kilometres kilometers miles feet yards inches tonnes tons kilograms pounds hectares acres square "
    "cubic litres knots degrees years months weeks days hours minutes seconds per percent cent crowns dollars euros "
    "million billion".split()
)
_MONTHS = frozenset("january february march april may june july august september october november december".split())
_SUBJECT = re.compile(r"^(?:(?:The|A|An)\s+)?((?:[A-Z][\w'’-]*)(?:\s+(?:of|and|the|for|de|von)?\s*[A-Z0-9][\w'’-]*)*)")
_PRONOUNS = frozenset({"It", "He", "She", "They"})
_OPENINGS = frozenset("In On At By From For During After Before Since Until Under With As However When While".split())
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence with a subject and its values: kind of value to the values themselves. Offsets into the chunk."""

    chunk: Chunk
    start: int
    end: int
    subject: frozenset[str]
    years: frozenset[str]
    others: frozenset[str]
    """The names in it beside its subject."""
    values: Mapping[_Key, frozenset[str]]

    @property
    def text(self) -> str:
        """The sentence."""
        return self.chunk.text[self.start : self.end]


def statements(chunk: Chunk) -> Iterator[Statement]:
    """The sentences that say how many, how much or when of a subject."""
    for start, end in split_sentences(chunk.text):
        sentence = chunk.text[start:end]
        values = _values(sentence)
        subject = _subject(sentence, chunk.title) if values else None
        if subject:
            event_years = {year for kind, years in values.items() if kind[0] == "event" for year in years}
            years = frozenset(_YEAR.findall(sentence)) - event_years
            others = frozenset(name for name in key_words(sentence) - subject if not name[0].isdigit())
            yield Statement(chunk, start, end, subject, years, others, values)


def differ(first: Statement, second: Statement) -> frozenset[str]:
    """The first one's values that the second contradicts; none when the two can both be true."""
    if (
        first.chunk.document_id == second.chunk.document_id
        or first.subject != second.subject
        or first.years != second.years
    ):
        return frozenset()
    # "3 goals against Tarn", "5 goals against Kestmark": how many of a thing depends on whom else it concerns.
    alike = first.others <= second.others or second.others <= first.others
    kinds = {kind for kind in first.values.keys() & second.values.keys() if alike or not _is_count(kind)}
    return frozenset[str]().union(
        *(first.values[kind] for kind in kinds if not first.values[kind] & second.values[kind])
    )


def with_dissent(cited: Cited, passages: Sequence[Chunk]) -> Cited:
    """Add to an answer, quoted and cited, what another document says otherwise of a value that the answer gives."""
    made = [statement for chunk in passages for statement in statements(chunk)]
    at = {(statement.chunk.id, statement.chunk.start + statement.start): statement for statement in made}
    for claim in cited.claims:
        given = frozenset(map(_bare, _NUMBERS.findall(claim.text)))
        for citation in cited.citations:
            mine = at.get((citation.chunk_id, citation.start)) if citation.n in claim.citations else None
            other = next((other for other in made if mine and differ(mine, other) & given), None)
            if other:
                return _added(cited, other)
    return cited


def _added(cited: Cited, other: Statement) -> Cited:
    chunk = other.chunk
    start, end = chunk.start + other.start, chunk.start + other.end
    if any((c.chunk_id, c.start, c.end) == (chunk.id, start, end) for c in cited.citations):
        return cited  # the answer says so itself
    citation = Citation(
        n=len(cited.citations) + 1,
        document_id=chunk.document_id,
        title=chunk.title,
        source=chunk.source,
        page=chunk.page,
        chunk_id=chunk.id,
        start=start,
        end=end,
        quote=other.text,
        verified=True,
    )
    dated = chunk.metadata.get("published_at", "")[:10]
    said = " ".join(without_markers(other.text).split())
    text = f"Sources differ: {dated and f'one of {dated} says '}“{said}” [{citation.n}]"
    at = len(cited.answer) + 1
    claim = Claim(text, at, at + len(text), (citation.n,), supported=True)
    return replace(
        cited,
        answer=f"{cited.answer} {text}",
        claims=(*cited.claims, claim),
        citations=(*cited.citations, citation),
    )


def _values(sentence: str) -> dict[_Key, frozenset[str]]:
    found: dict[_Key, set[str]] = {}
    for number, scale, noun, _, following in _AMOUNT.findall(sentence):
        dimension = _DIMENSIONS.get(following)
        # A bare measure may be that of anything; what looks like a year may be one.
        if noun in _MONTHS or not content_words(noun) or (noun in _UNITS and dimension is None):
            continue
        if _YEAR.fullmatch(number):
            continue
        kind = ("amount", scale, noun, dimension or "")
        found.setdefault(kind, set()).add(number)
    for verb, year in _EVENT.findall(sentence):
        found.setdefault(("event", verb), set()).add(year)
    return {kind: frozenset(map(_bare, values)) for kind, values in found.items()}


def _is_count(kind: _Key) -> bool:
    return kind[0] == "amount" and not kind[-1]


def _subject(sentence: str, title: str) -> frozenset[str] | None:
    """Words of the names that the sentence begins with; of its document's title where it begins with a pronoun."""
    named = _SUBJECT.match(sentence)
    if named is None:
        return None
    first, of_title = named[1].split()[0], content_words(title)
    if first in _PRONOUNS:
        return of_title or None
    words = content_words(named[1])
    # One word alone may be of many things, and may be no name: "However", "Projections of 1 January".
    names = {word for word in words if not word.isdigit()} - _MONTHS
    return words if words == of_title or (len(names) > 1 and first not in _OPENINGS) else None


def _bare(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)
