"""HTML: what a browser would show of it, one line a block."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hopcite.errors import DocumentError
from ingest.readers.dates import iso_day, published
from ingest.readers.plain import Content, clean, decode, marked

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_UNSEEN = ("script", "style", "noscript", "template", "nav", "head", "iframe", "svg")
# What a style written into the page keeps from being seen. Style sheets are not read.
_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE
)
_WHITE = re.compile(r"\s+")
_DECLARED = re.compile(rb"<meta[^>]*charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_READ_AS_CP1252 = ("ascii", "iso8859-1")  # https://encoding.spec.whatwg.org/#names-and-labels
_DATE_NAMES = frozenset(
    "article:published_time og:published_time datepublished date dc.date dcterms.date dc.date.issued dcterms.issued "
    "pubdate publishdate publication_date citation_publication_date citation_date".split()
)
_JSON_LD_DATE = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]+)\"")
_BLOCKS = frozenset(
    "address article aside blockquote caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)


def read_html(data: bytes) -> Content:
    """Text without markup, scripts, navigation and hidden parts.

    The title is the first h1 that has words in this text, or the page's. The date is the one that the page states in
    its head, in JSON-LD, or in a `time` element that is marked for it.
    """
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    try:
        soup = BeautifulSoup(_decoded(data), "lxml")
    except LookupError as exc:
        raise DocumentError(f"It declares an encoding that does not exist ({exc}); save it as UTF-8.") from exc
    except UnicodeError as exc:
        raise DocumentError(f"It is not in the encoding that it declares ({str(exc)[:60]}); save it as UTF-8.") from exc
    except ParserRejectedMarkup as exc:
        raise DocumentError(f"Its HTML cannot be parsed ({exc}).") from exc
    named = soup.find("title")
    pieces = list(_shown(soup))
    title = _heading(pieces) or (named.get_text(" ", strip=True) if named else None)
    metadata = published({"date": day} if (day := _stated_date(soup)) else {})
    lines = (" ".join(line.split()) for line in "".join(piece for piece, _ in pieces).splitlines())
    text = re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
    return Content(clean(text), title, metadata=metadata)


def _heading(pieces: Iterable[tuple[str, int]]) -> str | None:
    by_number = itertools.groupby(pieces, key=lambda piece: piece[1])
    words = (" ".join("".join(piece for piece, _ in group).split()) for number, group in by_number if number)
    return next(filter(None, words), None)


def _shown(soup: BeautifulSoup) -> Iterator[tuple[str, int]]:
    """The pieces of its text, with a line feed at both ends of every block, each with its h1's number (0: in none).

    In one pass: changing a large tree takes its square.
    """
    from bs4.element import CData, NavigableString, Tag

    numbers = itertools.count(1)
    ahead: list[tuple[object, bool, int]] = [(child, False, 0) for child in reversed(soup.contents)]
    while ahead:
        node, verbatim, heading = ahead.pop()
        if isinstance(node, Tag):
            if node.name in _UNSEEN or "hidden" in node.attrs or _UNSEEN_STYLE.search(str(node.get("style") or "")):
                continue
            edge = "\n" if node.name in _BLOCKS else ""
            yield "\n" if node.name == "br" else edge, heading
            ahead.append((edge, verbatim, heading))
            inside = verbatim or node.name == "pre"
            within = heading or (next(numbers) if node.name == "h1" else 0)
            ahead += [(child, inside, within) for child in reversed(node.contents)]
        elif type(node) is NavigableString:
            # Outside <pre> a line break of the source is a space.
            yield node if verbatim else _WHITE.sub(" ", node), heading
        elif type(node) in (str, CData):  # comments and doctypes are strings of other classes
            yield str(node), heading


def _stated_date(soup: BeautifulSoup) -> str | None:
    """The first date that the page gives as its own, in the places where pages do."""
    for meta in soup.find_all("meta"):
        name = str(meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()
        if name in _DATE_NAMES and iso_day(str(meta.get("content") or "")):
            return str(meta["content"])
    for script in soup.find_all("script", type="application/ld+json"):
        found = _JSON_LD_DATE.search(script.get_text())
        if found and iso_day(found[1]):
            return found[1]
    marked = soup.find("time", attrs={"itemprop": "datePublished"}) or soup.find("time", attrs={"pubdate": True})
    return str(marked.get("datetime") or marked.get_text()) if marked else None


def _decoded(data: bytes) -> str:
    """As its byte-order mark says, or as the page declares, and as browsers take it, else as other text."""
    if marked(data):
        return decode(data)
    declared = _DECLARED.search(data[:2048])
    name = codecs.lookup(declared[1].decode()).name if declared else "utf-8"
    if name.startswith("utf"):  # also UTF-16, which no page that could be searched like this is in
        return decode(data)
    return clean(data.decode("cp1252" if name in _READ_AS_CP1252 else name))
