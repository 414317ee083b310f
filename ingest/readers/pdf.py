"""PDF: the text of each page, and where each page begins."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

from hopcite.errors import DocumentError
from ingest.readers.dates import PUBLISHED, published
from ingest.readers.plain import Content, clean, told

if TYPE_CHECKING:
    from pypdf import PdfReader

_WORD_CUT_AT_LINE_END = re.compile(r"(\w)-\n(?=[a-z])")


def read_pdf(data: bytes) -> Content:
    """Pages joined by a blank line. The title is the file's own, or its first line if that is short.

    The date is XMP's `dc:date`, that of the work. `CreationDate` is that of the file: of a scan, an export, a print.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every oddity that it can read over
    try:
        reader = PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        pages = [] if locked else [_flowing(page.extract_text()) for page in reader.pages]
        title = ("" if locked or not reader.metadata else reader.metadata.title) or ""
        metadata = {} if locked else _stated_date(reader)
    except Exception as exc:  # damaged files meet pypdf's own errors and whatever Python raises
        raise DocumentError(f"It is no readable PDF ({told(exc)}); save or print it to a new one.") from exc
    if locked:
        raise DocumentError("It is encrypted; save a copy without its password.")
    starts, text = [], ""
    for page in pages:
        text += "\n\n" if text else ""
        starts.append(len(text))
        text += page
    if not text.strip():
        raise DocumentError("It holds no text (a scan?); run text recognition on it first.")
    first = text.strip().split("\n", 1)[0]
    return Content(text, title.strip() or (first if len(first) <= 100 else None), tuple(starts), metadata)


def _stated_date(reader: PdfReader) -> dict[str, str]:
    try:
        days = (reader.xmp_metadata.dc_date if reader.xmp_metadata else None) or []
        return published({PUBLISHED: days[0].date().isoformat()} if days and days[0] else {})
    except Exception:  # noqa: BLE001 - damaged XMP, met in as many ways, is no reason not to read the text
        return {}


def _flowing(page: str) -> str:
    """A page's lines joined into running text: the lines of a PDF end where the paper did, not where sentences do.

    A line that ends a sentence, or is much shorter than the page's lines, ends a paragraph.
    """
    page = _WORD_CUT_AT_LINE_END.sub(r"\1", clean(page))
    lines = [line.strip() for line in page.split("\n")]
    full = max((len(line) for line in lines), default=0)
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        ends = not line or not following or len(line) < 0.6 * full
        text += line + ("\n" if ends else " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()
