"""What the client's model reads: the results of the tools as text, with the ids and offsets that further calls need."""

from __future__ import annotations

from collections.abc import Sequence

from hopcite.types import Answer, Citation, Hit
from ui.mcp.bodies import ExcerptBody, ListingBody
from ui.text import doubts, headline, place, plural


def answer_text(answer: Answer) -> str:
    """The answer with its markers, the quote behind each, what they do not show, and how far to trust it."""
    cited = "\n".join(map(_citation, answer.citations))
    judged = f"Status: {answer.status}. Confidence: {answer.confidence:.2f}."
    return "\n\n".join(filter(None, (headline(answer), answer.answer, cited, "\n".join(doubts(answer)), judged)))


def hits_text(hits: Sequence[Hit]) -> str:
    """The passages, whole."""
    return "\n\n".join(map(_hit, hits)) or "Nothing found."


def listing_text(listing: ListingBody) -> str:
    """A line for each document, below one that says how many there are."""
    others = [name for name in listing.collections if name != listing.collection]
    lines = [f"{plural(listing.total, 'document')} in the collection {listing.collection!r}."]
    if others:
        lines.append(f"Other collections: {', '.join(others)}.")
    if listing.documents:
        lines.append(f"Numbers {listing.offset + 1} to {listing.offset + len(listing.documents)}:")
    lines += [
        f'- {entry.title} ({entry.source}); document "{entry.id}", {plural(entry.chunks, "passage")}'
        for entry in listing.documents
    ]
    return "\n".join(lines)


def excerpt_text(excerpt: ExcerptBody) -> str:
    """The text, below a line that says which part of the document it is."""
    where = _where(excerpt.document_id, excerpt.start, excerpt.end)
    more = f" The next part starts at {excerpt.end}." if excerpt.end < excerpt.total else ""
    return f"{excerpt.title} ({excerpt.source}); {where} of {excerpt.total}.{more}\n\n{excerpt.text}"


def _citation(citation: Citation) -> str:
    checked = "" if citation.verified else "; not verified"
    where = _where(citation.document_id, citation.start, citation.end)
    head = f"[{citation.n}] {citation.title} ({place(citation.source, citation.page)}); {where}{checked}"
    return f"{head}\n    “{' '.join(citation.quote.split())}”"


def _hit(hit: Hit) -> str:
    chunk = hit.chunk
    where = _where(chunk.document_id, chunk.start, chunk.end)
    return f"{hit.rank}. {chunk.title} ({place(chunk.source, chunk.page)}); {where}\n{chunk.text}"


def _where(document_id: str, start: int, end: int) -> str:
    return f'document "{document_id}", characters {start} to {end}'
