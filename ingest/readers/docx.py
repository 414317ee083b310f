"""Word documents: paragraphs and tables in the order of the page."""

from __future__ import annotations

import io
import zipfile

from hopcite.errors import DocumentError
from ingest.readers.plain import Content, clean


def read_docx(data: bytes) -> Content:
    """One line a paragraph or table row. The title is the document's own, or its first heading."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        document = docx.Document(io.BytesIO(data))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise DocumentError("It is no readable .docx file (damaged, encrypted, or an old .doc); save it anew.") from exc
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
    title = document.core_properties.title or heading
    return Content(clean("\n".join(lines)), title)
