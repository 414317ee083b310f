"""Word documents: paragraphs and tables in the order of the page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hopcite.errors import DocumentError
from ingest.readers.plain import Content, clean

if TYPE_CHECKING:
    from docx.oxml.xmlchemy import BaseOxmlElement as Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# What only wraps its content: content controls, tracked insertions, links, fields. Tracked deletions (w:del, and
# w:moveFrom where a passage was before) are not among them, for a reader of the document does not see their text.
_WRAPPERS = frozenset(
    f"{_W}{name}" for name in "sdt sdtContent ins moveTo customXml smartTag hyperlink fldSimple dir bdo".split()
)


def read_docx(data: bytes) -> Content:
    """One line a paragraph or table row. The title is the document's own, or its first heading."""
    try:
        return _content(data)
    except Exception as exc:  # damaged files meet whatever the zip file, the XML or Python raise
        raise DocumentError("It is no readable .docx file (damaged, encrypted, or an old .doc); save it anew.") from exc


def _content(data: bytes) -> Content:
    import docx
    from docx.text.paragraph import Paragraph

    document = docx.Document(io.BytesIO(data))
    heading = None
    for paragraph in _inside(document.element.body, "p"):
        style = Paragraph(paragraph, document).style
        if style is not None and (style.name or "").startswith(("Heading", "Title")) and _text(paragraph).strip():
            heading = _text(paragraph)
            break
    return Content(clean("\n".join(_lines(document.element.body))), document.core_properties.title or heading)


def _lines(parent: Element) -> Iterator[str]:
    """The paragraphs with text, and the rows of tables, " | " between cells. A merged cell is read once."""
    for block in _inside(parent, "p", "tbl"):
        if block.tag == f"{_W}p":
            if (text := _text(block)).strip():
                yield text
            continue
        for row in _inside(block, "tr"):
            cells = ["\n".join(_lines(cell)).strip() for cell in _inside(row, "tc")]
            if any(cells):
                yield " | ".join(cells)


def _text(paragraph: Element) -> str:
    """Its words, tabs and line breaks."""
    return "".join(run.text for run in _inside(paragraph, "r"))


def _inside(parent: Element, *names: str) -> Iterator[Element]:
    """The elements of these names in a parent, or in what wraps them there, in the order of the document."""
    wanted = {f"{_W}{name}" for name in names}
    for child in parent:
        if child.tag in wanted:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _inside(child, *names)
