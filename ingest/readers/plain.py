"""Plain text, and the decoding that all text formats share."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field

from hopcite.errors import DocumentError
from ingest.readers.wrapped import unwrapped

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader found in one file. `title` None: the file's name serves."""

    text: str
    title: str | None = None
    page_starts: tuple[int, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def marked(data: bytes) -> bool:
    """Whether it begins with a byte-order mark, which tells its encoding whatever it declares."""
    return data.startswith(tuple(mark for mark, _ in _MARKS))


def decode(data: bytes) -> str:
    """UTF-8, or what a byte-order mark says. Line ends become line feeds, NUL characters go, the rest stays.

    Other encodings are not guessed: a wrong guess would be quoted as the source's words.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as exc:
        raise DocumentError(f"It is not UTF-8 text (byte {exc.start}); save it as UTF-8.") from exc
    return clean(text)


def clean(text: str) -> str:
    """One kind of line end and no NUL, which no store takes."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def told(exc: Exception) -> str:
    """What a parser complains of, in one short line."""
    return " ".join(str(exc).split())[:100] or type(exc).__name__


def read_plain(data: bytes) -> Content:
    """The text as it is, but for lines that an editor broke. A short first line that stands alone is the title."""
    text = decode(data)
    first, _, rest = text.lstrip().partition("\n")
    alone = not rest.strip() or rest.startswith(("\n", "=", "-"))
    return Content(unwrapped(text), first.strip() if alone and 0 < len(first.strip()) <= 100 else None)
