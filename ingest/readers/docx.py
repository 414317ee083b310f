"""Word documents: paragraphs and tables in the order of the page."""

from __future__ import annotations

import io

from hopcite.errors import DocumentError
from ingest.readers.plain import Content, clean


def read_docx(data: bytes) -> Content:
    """One line a paragraph or table row. The title is the document's own, or its first heading."""
    try:
        return _content(data)
    except Exception as exc:  # damaged files meet whatever the zip file, the XML or Python raise
        raise DocumentError("It is no readable .docx file (damaged, encrypted, or an old .doc); save it anew.") from exc


def _content(data: bytes) -> Content:
    import docx
    from docx.table import Table

    document = docx.Document(io.BytesIO(data))
    lines = []
    heading = None
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            lines += [" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows]
        elif block.text.strip():
            style = block.style.name if block.style is not None else ""
            if heading is None and (style or "").startswith(("Heading", "Title")):
                heading = block.text
            lines.append(block.text)
    return Content(clean("\n".join(lines)), document.core_properties.title or heading)
