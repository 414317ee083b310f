"""Lines that an editor broke, not the author: their ends become blanks, so that a sentence stays whole.

Every other character stays where it is: offsets into the text are offsets into the file.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

# Characters in the longest line of a paragraph that an editor broke.
_NARROWEST, _WIDEST = 60, 120
_BEGINS_ANEW = re.compile(r"\s*(?:(?:[-*+•>#]|\w{1,3}[.)])\s|[=~-]{3})")
_TABULAR = re.compile(r"\||[^\s.!?:](?:\t| {2,})\S")


def unwrapped(text: str) -> str:
    """Plain text. An editor broke a line where the first word of the next had no room in its paragraph's width.

    A list's items and a table's rows keep their lines, and so does what is narrower or wider than editors make it.
    """
    lines = text.split("\n")
    joined: set[int] = set()
    for filled, numbers in itertools.groupby(range(len(lines)), key=lambda n: bool(lines[n].strip())):
        paragraph = list(numbers)
        width = max(len(lines[n].rstrip()) for n in paragraph)
        if filled and _NARROWEST <= width <= _WIDEST:
            joined.update(n for n in paragraph[:-1] if _goes_on(lines[n].rstrip(), lines[n + 1], width))
    return _with_joined(lines, joined)


def unwrapped_markdown(text: str, tokens: Iterable[Token]) -> str:
    """Markdown, where a line break within a paragraph is a blank, but after two blanks or a backslash (CommonMark).

    `tokens` are those of this text.
    """
    lines = text.split("\n")
    joined = {
        n
        for n in _soft_breaks(tokens)
        if not lines[n].endswith(("  ", "\\")) and not lines[n + 1].lstrip().startswith(">")
    }
    return _with_joined(lines, joined)


def _goes_on(line: str, following: str, width: int) -> bool:
    room = width - len(line) - 1
    stands_alone = _BEGINS_ANEW.match(following) or _TABULAR.search(line) or _TABULAR.search(following)
    return not stands_alone and len(following.split(maxsplit=1)[0]) > room


def _soft_breaks(tokens: Iterable[Token]) -> Iterator[int]:
    """The numbers of the lines that end within a paragraph."""
    for before, token in itertools.pairwise(tokens):
        if before.type == "paragraph_open" and token.map:
            first, end = token.map
            yield from range(first, end - 1)


def _with_joined(lines: Sequence[str], joined: set[int]) -> str:
    ends = [" " if n in joined else "\n" for n in range(len(lines) - 1)]
    return "".join(itertools.chain.from_iterable(zip(lines, [*ends, ""], strict=True)))
