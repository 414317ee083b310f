"""JSON Lines: one document a line."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from hopcite.errors import DocumentError
from hopcite.types import Document
from ingest.readers.dates import dated
from ingest.readers.plain import clean, decode

# Gzip packs what repeats itself to a thousandth: an upload of the size that is let in could fill the memory.
_MOST_UNPACKED = 2**30
_PIECE = 2**20
_OWN_FIELDS = ("id", "title", "text")
# The publication that a record came from, under the name that its readers are shown.
_RENAMED: dict[str, str] = {"source": "publisher"}


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A line that is no document. The other lines count all the same."""

    source: str
    reason: str


def read_jsonl(source: str, data: bytes, *, compressed: bool) -> Iterator[Document | BadRecord]:
    """`text` is required; `id` and `title` have defaults; other texts and numbers become metadata.

    `DocumentError`: it is no text, or compressed and no whole gzip file, or one that unpacks to more than 1 GiB.
    """
    if compressed:
        data = _unpacked(data)
    text = decode(data)
    if not text.strip():
        raise DocumentError("It is empty.")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{source}#{number}"
            try:
                yield _document(place, line)
            except DocumentError as exc:
                yield BadRecord(place, str(exc))


def _unpacked(data: bytes) -> bytes:
    unpacked = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while piece := file.read(_PIECE):
                unpacked.write(piece)
                if unpacked.tell() > _MOST_UNPACKED:
                    raise DocumentError("It unpacks to more than 1 GiB; split it into several files.")
    except (OSError, EOFError, zlib.error) as exc:
        raise DocumentError(f"It is no whole gzip file ({exc}).") from exc
    return unpacked.getvalue()


def _document(place: str, line: str) -> Document:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise DocumentError(f"The line is not JSON ({str(exc)[:100]}).") from exc
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise DocumentError('The line is no object with a string "text".')
    fields = {
        clean(name): clean(str(value))
        for name, value in record.items()
        if isinstance(value, str | int | float) and value != ""
    }
    document_id = fields.get("id", place)
    title = " ".join(fields.get("title", document_id).split())
    metadata = {_RENAMED.get(name, name): value for name, value in fields.items() if name not in _OWN_FIELDS}
    return Document(document_id, title, clean(record["text"]), place, (), dated(metadata))
