"""Which reader reads which file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

from hopcite.errors import DocumentError
from hopcite.types import Document
from ingest.readers.docx import read_docx
from ingest.readers.html import read_html
from ingest.readers.jsonl import BadRecord, read_jsonl
from ingest.readers.markdown import read_markdown
from ingest.readers.pdf import read_pdf
from ingest.readers.plain import Content, read_plain, told

_READERS: dict[str, Callable[[bytes], Content]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".txt": read_plain,
    ".text": read_plain,
    ".rst": read_plain,
}
_RECORDS = (".jsonl", ".jsonl.gz")
SUFFIXES = (*_READERS, *_RECORDS)


def read_document(name: str, source: str, data: bytes) -> Iterator[Document | BadRecord]:
    """The documents in a file: one, or for JSON Lines one a line. `name` gives the format, and the id of the one.

    Raises `DocumentError`, which names the remedy, when nothing of the file can be read.
    """
    lower = name.lower()
    if not data.strip():
        raise DocumentError("It is empty.")
    if lower.endswith(_RECORDS):
        yield from read_jsonl(source, data, compressed=lower.endswith(".gz"))
        return
    reader = _READERS.get(PurePath(lower).suffix)
    if reader is None:
        raise DocumentError(f"Its format is not supported; convert it to one of {', '.join(SUFFIXES)}.")
    try:
        content = reader(data)
    except DocumentError:
        raise
    except Exception as exc:  # whatever a parser makes of one file, the others are read
        raise DocumentError(f"It cannot be parsed ({told(exc)}); save it anew.") from exc
    if not content.text.strip():
        raise DocumentError("It holds no text.")
    title = " ".join((content.title or "").split()) or PurePath(name).stem
    yield Document(name, title, content.text, source, content.page_starts, content.metadata)
