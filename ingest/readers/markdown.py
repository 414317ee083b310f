"""Markdown, stored as it is written but for lines that go on, so that quotes match the file that people keep."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ingest.readers.dates import published
from ingest.readers.plain import Content, decode
from ingest.readers.wrapped import unwrapped_markdown

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)
_NAME = re.compile(r"[a-z_]+")
# An image written into the text, as exports of editors have it: a megabyte that nobody reads.
_EMBEDDED = re.compile(r"(data:[\w.+-]+/[\w.+-]+;base64,)[\w+/=-]+")


def read_markdown(data: bytes) -> Content:
    """The source text without embedded images; the title is the front matter's, or the first heading.

    Front matter may give the date, too.
    """
    text = _EMBEDDED.sub(r"\1…", decode(data))
    front = _FRONT_MATTER.match(text)
    fields = _fields(front[1] or "") if front else {}
    body = front.end() if front else 0
    tokens = _parser().parse(text[body:])
    title = fields.get("title") or _first_heading(tokens)
    return Content(text[:body] + unwrapped_markdown(text[body:], tokens), title, metadata=published(fields))


def _fields(front: str) -> dict[str, str]:
    """The fields that have a value on their own line; lists, and what stands below a name, are none."""
    fields = {}
    for line in front.split("\n"):
        name, _, value = line.partition(":")
        value = value.strip()
        if _NAME.fullmatch(name) and value and value[0] not in "#|>":  # a comment, or text on the lines below
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            fields[name] = value[1:-1] if quoted else value
    return fields


def _first_heading(tokens: Iterable[Token]) -> str | None:
    """The first heading that has words and stands in no list or quotation."""
    for opened, token in itertools.pairwise(tokens):
        if opened.type == "heading_open" and opened.level == 0 and token.content.strip():
            return token.content
    return None


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable("inline")
