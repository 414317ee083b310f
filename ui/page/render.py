"""What documents and models wrote, as HTML that holds no markup of theirs.

Every function escapes first and adds its own tags afterwards, so the result holds these tags and no others: no link, no
image, no script, whatever the text says. Pure functions of their arguments.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from html import escape

_MARKER = re.compile(r"\[(\d+)\]")
_BULLET = re.compile(r"^\s*[-*•]\s+")
_NUMBER = re.compile(r"^\s*\d+[.)]\s+")
# Inline forms, in the order in which they are tried; applied to escaped text.
_INLINE = (
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<em>\1</em>"),
)
_DRAFT_LABEL = re.compile(r"^\W*answer\W*?:\s*", re.IGNORECASE)
_DRAFT_MARKER = re.compile(r"\s*\[[\d,\s]*\]?")
_TAG_OF = {"bullet": "ul", "number": "ol"}


def answer_html(markdown: str, *, citations: Collection[int]) -> str:
    """Paragraphs, lists, bold, italics and code; `[1]` becomes a button where citation 1 exists."""
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", markdown.strip()):
        for kind, lines in _runs(block.split("\n")):
            inline = [_inline(line, citations) for line in lines]
            if kind == "text":
                blocks.append(f"<p>{'<br>'.join(inline)}</p>")
            else:
                items = "".join(f"<li>{item}</li>" for item in inline)
                blocks.append(f"<{_TAG_OF[kind]}>{items}</{_TAG_OF[kind]}>")
    return "".join(blocks)


def _runs(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Neighbouring lines of one kind (bullet, number, text), without their bullets."""
    runs: list[tuple[str, list[str]]] = []
    for line in lines:
        kind, text = "text", line.strip()
        for name, pattern in (("bullet", _BULLET), ("number", _NUMBER)):
            if pattern.match(line):
                kind, text = name, pattern.sub("", line, count=1).strip()
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(text)
        else:
            runs.append((kind, [text]))
    return runs


def _inline(text: str, citations: Collection[int]) -> str:
    html = escape(text)
    for pattern, replacement in _INLINE:
        html = pattern.sub(replacement, html)

    def chip(match: re.Match[str]) -> str:
        n = int(match[1])
        if n not in citations:
            return match[0]
        return f'<button type="button" class="chip" data-n="{n}" aria-label="Source {n}">{n}</button>'

    return _MARKER.sub(chip, html)


def draft_text(draft: str) -> str:
    """The draft as it is being written: without the writer's own label and markers, which the answer replaces."""
    return _DRAFT_MARKER.sub("", _DRAFT_LABEL.sub("", draft)).strip()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a document with a marked part; `before` and `after` say whether there is more."""

    html: str
    before: bool
    after: bool


def excerpt(text: str, *, start: int, end: int, margin: int | None) -> Excerpt:
    """The text with `[start:end]` in a `mark`, cut at line or word borders about `margin` characters around it."""
    first, last = 0, len(text)
    if margin is not None:
        first = _border(text, max(0, start - margin), start)
        last = min(len(text), end + margin)
        if last < len(text):
            last = max(end, text.rfind(" ", end, last))
    parts = (escape(text[first:start]), escape(text[start:end]), escape(text[end:last]))
    marked = f"<mark>{parts[1]}</mark>" if end > start else ""
    return Excerpt(html=parts[0] + marked + parts[2], before=first > 0, after=last < len(text))


def _border(text: str, position: int, limit: int) -> int:
    """The start of a line, or else of a word, at or after `position` and not after `limit`."""
    if position == 0:
        return 0
    for separator in ("\n", " "):
        found = text.find(separator, position, min(limit, position + 200))
        if found >= 0:
            return found + 1
    return position


def format_of(source: str) -> str:
    """The kind of a document, from the ending of its source's name: `PDF`, `DOCX`; `Text` when it tells nothing."""
    name = re.split(r"[/\\]", source.partition("#")[0])[-1]
    stem, dot, ending = name.rpartition(".")
    return ending.upper() if dot and stem and re.fullmatch(r"[A-Za-z0-9]{1,5}", ending) else "Text"
