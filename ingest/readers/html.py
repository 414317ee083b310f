"""HTML: what a browser would show of it, one line a block."""

from __future__ import annotations

import re

from hopcite.errors import DocumentError
from ingest.readers.plain import Content, clean, decode

_UNSEEN = ("script", "style", "noscript", "template", "nav", "head", "iframe", "svg")
_BLOCKS = (
    "address article aside blockquote caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main ol p pre section summary table tbody td tfoot th thead tr ul"
).split()


def read_html(data: bytes) -> Content:
    """Text without markup, scripts, styles and navigation; the title is the first heading, or the page's title."""
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    try:
        soup = BeautifulSoup(_decoded(data), "lxml")
    except ParserRejectedMarkup as exc:
        raise DocumentError(f"Its HTML cannot be parsed ({exc}).") from exc
    heading = soup.find("h1") or soup.find("title")
    title = heading.get_text(" ", strip=True) if heading else None
    for element in soup.find_all(_UNSEEN):
        element.decompose()
    for element in soup.find_all("br"):
        element.replace_with("\n")
    for element in soup.find_all(_BLOCKS):
        element.insert_before("\n")
        element.insert_after("\n")
    lines = (" ".join(line.split()) for line in _joined(soup.get_text()).split("\n"))
    text = re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
    return Content(clean(text), title)


def _joined(text: str) -> str:
    return text.replace("\r", "\n")


def _decoded(data: bytes) -> str | bytes:
    """UTF-8 if it is; else the bytes, for a page that declares its own encoding."""
    declared = re.search(rb"charset\s*=\s*[\"']?([\w-]+)", data[:2048], re.IGNORECASE)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8"):
        return data
    return decode(data)
