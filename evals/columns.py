"""Text in columns for a terminal of 80 characters."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

WIDTH = 80


def columns(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> list[str]:
    """Rows of equally many cells, numbers under each other: to the right but in the columns named in `left`.

    Columns stand two spaces apart, or one where the lines would be too long.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else 1
    return [
        (" " * gap)
        .join(
            cell.ljust(width) if n in left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in rows
    ]


def wrapped(text: str, *, indent: str = "") -> str:
    """A sentence on as many lines as it takes; all but the first are indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def shortened(line: str) -> str:
    """One line, cut where it is too long; it keeps its indent."""
    indent = " " * (len(line) - len(line.lstrip()))
    return indent + textwrap.shorten(line.strip(), WIDTH - len(indent), placeholder=" …")
