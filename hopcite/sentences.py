"""Sentence boundaries, with exact offsets."""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\n]+")
_NUMBER = re.compile(r"\s*\d{1,2}\.\s*")
_SPACE = re.compile(r"\s")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The sentences as (start, end) offsets, in order, without overlap, white space trimmed.

    Every character that is not white space is in exactly one. A line break ends a sentence: in stored text it stands
    between paragraphs, headings, list items and cells. Boundaries within a line are sentencex's, for English rules, but
    that the number of a list item is no sentence.
    """
    from sentencex import get_sentence_boundaries

    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        # sentencex 1.0.32 panics at "B .", a no-break space before a full stop; to a plain one offsets are the same.
        for boundary in get_sentence_boundaries("en", _SPACE.sub(" ", line.group())):
            start, end = line.start() + boundary["start_index"], line.start() + boundary["end_index"]
            piece = text[start:end]
            if not piece.strip():
                continue
            first = start + len(piece) - len(piece.lstrip())
            if _NUMBER.fullmatch(text, line.start(), first):
                first = spans.pop()[0]
            spans.append((first, start + len(piece.rstrip())))
    return spans
