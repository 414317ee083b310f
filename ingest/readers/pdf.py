"""PDF: the text of each page, and where each page begins."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Set
from typing import TYPE_CHECKING

from hopcite.errors import DocumentError
from ingest.readers.dates import PUBLISHED, published
from ingest.readers.plain import Content, clean, told

if TYPE_CHECKING:
    from pypdf import PdfReader

_CUT_AT_LINE_END = re.compile(r"(?<![\w-])([\w-]*\w)-\n(?=([a-z][\w-]*))")
_WORD = re.compile(r"[\w-]+")


def read_pdf(data: bytes) -> Content:
    """Pages joined by a blank line. The title is the file's own, or its first line if that is short.

    The date is XMP's `dc:date`, that of the work. `CreationDate` is that of the file: of a scan, an export, a print.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every oddity that it can read over
    try:
        reader = PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        pages = [] if locked else [clean(page.extract_text()) for page in reader.pages]
        title = clean(("" if locked or not reader.metadata else reader.metadata.title) or "").strip()
        metadata = {} if locked else _stated_date(reader)
    except Exception as exc:  # damaged files meet pypdf's own errors and whatever Python raises
        raise DocumentError(f"It is no readable PDF ({told(exc)}); save or print it to a new one.") from exc
    if locked:
        raise DocumentError("It is encrypted; save a copy without its password.")
    compounds = {word.lower() for page in pages for word in _WORD.findall(page) if "-" in word.strip("-")}
    starts, text = [], ""
    for page in pages:
        text += "\n\n" if text else ""
        starts.append(len(text))
        text += _flowing(page, compounds)
    if not text.strip():
        raise DocumentError("It holds no text (a scan?); run text recognition on it first.")
    first = text.strip().split("\n", 1)[0]
    return Content(text, title or (first if len(first) <= 100 else None), tuple(starts), metadata)


def _stated_date(reader: PdfReader) -> dict[str, str]:
    try:
        days = (reader.xmp_metadata.dc_date if reader.xmp_metadata else None) or []
        return published({PUBLISHED: days[0].date().isoformat()} if days and days[0] else {})
    except Exception:  # noqa: BLE001 - damaged XMP, met in as many ways, is no reason not to read the text
        return {}


def _flowing(page: str, compounds: Set[str]) -> str:
    """A page's lines joined into running text: the lines of a PDF end where the paper did, not where sentences do.

    A line that ends a sentence, or is much shorter than the page's lines, ends a paragraph. `compounds`: the words that
    the document writes with a hyphen, in lower case.
    """
    page = _CUT_AT_LINE_END.sub(lambda cut: _whole(cut[1], cut[2].rstrip("-"), compounds), page)
    lines = [line.strip() for line in page.split("\n")]
    full = max((len(line) for line in lines), default=0)
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        ends = not line or not following or len(line) < 0.6 * full
        text += line + ("\n" if ends else " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _whole(before: str, after: str, compounds: Set[str]) -> str:
    """The part of a word before a line's end, with its hyphen or without.

    The hyphen is the author's where that part holds another one (state-of-the-art) or the document writes the word with
    it elsewhere. Any other is taken for the typesetter's: there are many more of those than of compounds cut at theirs.
    """
    return f"{before}-" if "-" in before or f"{before}-{after}".lower() in compounds else before
