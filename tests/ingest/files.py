"""Files as bytes, and the one document of a file."""

from __future__ import annotations

from fpdf import FPDF

from hopcite.types import Document
from ingest.readers import read_document


def one(name: str, data: bytes) -> Document:
    [found] = read_document(name, name, data)
    assert isinstance(found, Document)
    return found


def pdf(*pages: str, title: str = "") -> bytes:
    file = FPDF()
    file.set_font("helvetica", size=12)
    if title:
        file.set_title(title)
    for page in pages:
        file.add_page()
        file.multi_cell(0, text=page)
    return bytes(file.output())
