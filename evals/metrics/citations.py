"""Do the citations point at the supporting sentences? Spans are (start, end) offsets into the stored document text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evals.metrics.answer import Overlap, shared_share

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Target:
    """What a citation ought to hit, in any of the documents that hold it: a stretch or, for None, any of the text."""

    places: Mapping[str, Span | None]

    def hit_by(self, citation: Cited) -> bool:
        """Whether the two share at least one character."""
        if citation.document_id not in self.places:
            return False
        span = self.places[citation.document_id]
        return span is None or _overlap(span, citation.span)


@dataclass(frozen=True, slots=True)
class Cited:
    """Where a verified citation points."""

    document_id: str
    span: Span


def precision(citations: Sequence[Cited], targets: Sequence[Target], *, given: int) -> float | None:
    """Share of the citations `given`, verified or not, that hit a target. None without any: nothing was claimed."""
    if not given:
        return None
    return sum(any(target.hit_by(citation) for target in targets) for citation in citations) / given


def recall(citations: Sequence[Cited], targets: Sequence[Target]) -> float:
    """Share of the targets that some citation hits."""
    return sum(any(target.hit_by(citation) for citation in citations) for target in targets) / len(targets)


def locate_sentences(text: str, sentences: Sequence[str]) -> list[Span | None]:
    """Where each sentence stands in `text`, looked for one after the other, whatever the white space between words.

    None for a sentence that is not there or has no words.
    """
    spans: list[Span | None] = []
    start = 0
    for sentence in sentences:
        words = sentence.split()
        found = re.compile(r"\s*".join(map(re.escape, words))).search(text, start) if words else None
        spans.append(found.span() if found else None)
        start = found.end() if found else start
    return spans


def cited_sentences(
    citations: Sequence[Cited], sentence_spans: Mapping[str, Sequence[Span | None]]
) -> set[tuple[str, int]]:
    """The (document id, sentence index) that the citations touch.

    A cited document whose sentences are not known counts as one sentence, of index -1, that no gold set holds.
    """
    touched: set[tuple[str, int]] = set()
    for citation in citations:
        spans = sentence_spans.get(citation.document_id, ())
        found = [n for n, span in enumerate(spans) if span is not None and _overlap(span, citation.span)]
        touched |= {(citation.document_id, n) for n in found or [-1]}
    return touched


def supporting_facts(predicted: Collection[tuple[str, int]], gold: Collection[tuple[str, int]]) -> Overlap:
    """HotpotQA's supporting-fact F1, P and R over sets of (document, sentence index). EM is their equality."""
    return shared_share(len(set(predicted) & set(gold)), len(set(predicted)), len(set(gold)))


def _overlap(one: Span, other: Span) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])
