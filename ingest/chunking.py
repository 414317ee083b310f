"""Chunking: documents cut between sentences, each piece small enough that the encoder reads all of it.

A chunk lies on one page, where a document has pages: quotes of it bear that page.
"""

from __future__ import annotations

import bisect
import itertools
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from hopcite.sentences import split_sentences
from hopcite.types import Chunk, Document

CountTokens = Callable[[Sequence[str]], list[int]]
"""Tokens of each text as the encoder counts them, its special tokens included."""
Span = tuple[int, int]

_NAMESPACE = uuid.UUID("8d0f3c1e-6f0b-4e57-9d3a-4b7f0f5a2c11")
_WORD = re.compile(r"\S+\s*")
# English has 7 at most. Encoders read a "word" of any length, such as a key, as one unknown token, so that a chunk of
# megabytes would fit.
_CHARACTERS_PER_TOKEN = 16


def chunk_documents(
    documents: Sequence[Document], *, count_tokens: CountTokens, max_tokens: int, overlap_sentences: int
) -> list[list[Chunk]]:
    r"""Cut each document. `max_tokens` holds for the embedded text, "title\ntext".

    Tokens are counted for all documents at once, sentence by sentence, and the chunks are counted again: a text can
    have a few tokens more than its sentences. One that is too long after all is cut once more, in half. A title may
    take half of a chunk; of a longer one, the chunks bear the beginning.
    """
    count_tokens = _bounded(count_tokens)
    documents = _with_short_titles(documents, count_tokens, max_tokens // 2)
    spans = [split_sentences(document.text) for document in documents]
    titles = count_tokens([document.title for document in documents])
    texts = [d.text[start:end] for d, found in zip(documents, spans, strict=True) for start, end in found]
    counts = iter(count_tokens(texts) if texts else [])
    chunked = []
    for document, found, title in zip(documents, spans, titles, strict=True):
        room = max(max_tokens - title, 1)
        sized = [(span, next(counts)) for span in found]
        pieces = [piece for span, size in sized for piece in _divided(document.text, span, size, room, count_tokens)]
        chunked.append(
            [chunk for page in _by_page(document, pieces) for chunk in _packed(page, room, overlap_sentences)]
        )
    chunked = _shrunk(documents, chunked, count_tokens, max_tokens)
    return [_chunks(document, found) for document, found in zip(documents, chunked, strict=True)]


def _bounded(count_tokens: CountTokens) -> CountTokens:
    """Tokens, no fewer than one for each 16 characters."""

    def counted(texts: Sequence[str]) -> list[int]:
        return [
            max(count, len(text) // _CHARACTERS_PER_TOKEN)
            for text, count in zip(texts, count_tokens(texts), strict=True)
        ]

    return counted


def _with_short_titles(documents: Sequence[Document], count_tokens: CountTokens, limit: int) -> list[Document]:
    sizes = count_tokens([document.title for document in documents]) if documents else []
    return [
        document if size <= limit else replace(document, title=_shortened(document.title, count_tokens, limit))
        for document, size in zip(documents, sizes, strict=True)
    ]


def _shortened(title: str, count_tokens: CountTokens, limit: int) -> str:
    kept = title
    while kept and count_tokens([f"{kept}…"])[0] > limit:
        kept = kept[: len(kept) * 3 // 4].rstrip()
    return f"{kept}…"


def _divided(text: str, span: Span, size: int, room: int, count_tokens: CountTokens) -> list[tuple[Span, int]]:
    """A sentence that is too long, cut between words, or within one that is too long itself."""
    if size <= room:
        return [(span, size)]
    start, end = span
    middle = (start + end) // 2
    words = [start + word.start() for word in _WORD.finditer(text[start:end])]
    cut = min(words[1:] or [middle], key=lambda at: abs(at - middle))
    left = (start, start + len(text[start:cut].rstrip()))
    halves = [left, (cut, end)] if cut < end else [(start, middle), (middle, end)]
    if end - start < 2:
        return [(span, room)]
    sizes = count_tokens([text[a:b] for a, b in halves])
    return [
        piece
        for half, half_size in zip(halves, sizes, strict=True)
        for piece in _divided(text, half, half_size, room, count_tokens)
    ]


def _by_page(document: Document, pieces: Sequence[tuple[Span, int]]) -> Iterator[list[tuple[Span, int]]]:
    for _, pieces_of_page in itertools.groupby(pieces, key=lambda piece: _page(document, piece[0][0])):
        yield list(pieces_of_page)


def _page(document: Document, place: int) -> int | None:
    return bisect.bisect_right(document.page_starts, place) if document.page_starts else None


def _packed(pieces: Sequence[tuple[Span, int]], room: int, overlap: int) -> list[Span]:
    """As many sentences in a chunk as it holds; the next one begins with the last `overlap` of them, if they fit."""
    spans: list[Span] = []
    first = 0
    while first < len(pieces):
        size, last = 0, first
        while last < len(pieces) and (last == first or size + pieces[last][1] <= room):
            size += pieces[last][1]
            last += 1
        spans.append((pieces[first][0][0], pieces[last - 1][0][1]))
        if last == len(pieces):
            break
        repeated = last
        while repeated > max(first + 1, last - overlap) and _fits(pieces[repeated - 1 : last + 1], room):
            repeated -= 1
        first = repeated
    return spans


def _fits(pieces: Sequence[tuple[Span, int]], room: int) -> bool:
    return sum(size for _, size in pieces) <= room


def _shrunk(
    documents: Sequence[Document], chunked: Sequence[list[Span]], count_tokens: CountTokens, max_tokens: int
) -> list[list[Span]]:
    """Count what will be embedded, and cut in half what is too long all the same."""
    embedded = [f"{d.title}\n{d.text[a:b]}" for d, spans in zip(documents, chunked, strict=True) for a, b in spans]
    counts = iter(count_tokens(embedded) if embedded else [])
    shrunk = []
    for document, spans in zip(documents, chunked, strict=True):
        fitting: list[Span] = []
        for start, end in spans:
            size = next(counts)
            title = size - count_tokens([document.text[start:end]])[0] if size > max_tokens else 0
            room = max(max_tokens - title, 1)
            pieces = _divided(document.text, (start, end), size - title, room, count_tokens)
            fitting += [span for span, _ in pieces]
        # A half may be no more than the overlap that the next chunk begins with.
        within = [a >= c and b <= d for (a, b), (c, d) in itertools.pairwise(fitting)]
        shrunk.append([span for span, repeated in zip(fitting, [*within, False], strict=False) if not repeated])
    return shrunk


def _chunks(document: Document, spans: Sequence[Span]) -> list[Chunk]:
    chunks = []
    for position, (start, end) in enumerate(spans):
        text = document.text[start:end]
        chunks.append(
            Chunk(
                id=str(uuid.uuid5(_NAMESPACE, f"{document.id}\n{position}\n{text}")),
                document_id=document.id,
                title=document.title,
                source=document.source,
                text=text,
                start=start,
                end=end,
                position=position,
                page=_page(document, start),
                metadata=document.metadata,
            )
        )
    return chunks
