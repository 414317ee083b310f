"""Markdown, stored as it is written, so that quotes match the file that people keep."""

from __future__ import annotations

import re

from ingest.readers.plain import Content, decode

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE_FIELD = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


def read_markdown(data: bytes) -> Content:
    """The source text; the title is the front matter's, or the first heading."""
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    found = (_TITLE_FIELD.search(front[1]) if front else None) or _HEADING.search(text)
    return Content(text, found[1] if found else None)
