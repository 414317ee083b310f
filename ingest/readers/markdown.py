"""Markdown, stored as it is written but for lines that go on, so that quotes match the file that people keep."""

from __future__ import annotations

import re

from ingest.readers.dates import published
from ingest.readers.plain import Content, decode
from ingest.readers.wrapped import unwrapped_markdown

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FIELD = re.compile(r"^([a-z_]+):\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
# An image written into the text, as exports of editors have it: a megabyte that nobody reads.
_EMBEDDED = re.compile(r"(data:[\w.+-]+/[\w.+-]+;base64,)[\w+/=-]+")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


def read_markdown(data: bytes) -> Content:
    """The source text without embedded images; the title is the front matter's, or the first heading.

    Front matter may give the date, too.
    """
    text = _EMBEDDED.sub(r"\1…", decode(data))
    front = _FRONT_MATTER.match(text)
    fields = dict(_FIELD.findall(front[1])) if front else {}
    heading = _HEADING.search(text)
    title = fields.get("title") or (heading[1] if heading else None)
    body = front.end() if front else 0
    return Content(text[:body] + unwrapped_markdown(text[body:]), title, metadata=published(fields))
