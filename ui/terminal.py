"""What commands print: results on stdout, everything about their progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self, TextIO

import typer
from tqdm import tqdm

from hopcite.errors import UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
CollectionName = Annotated[str | None, typer.Option(help="The collection; by default the setting `collection`.")]
_GAP = 2
# ASCII and Latin-1 controls but tab and line feed.
_COMMANDS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\ufffd")


def print_line(text: str) -> None:
    """A result for people."""
    _write(sys.stdout, text)


def print_json(value: object) -> None:
    """The one JSON document of `--json`."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def warn(text: str) -> None:
    """A line about what went wrong with a part of the work."""
    _write(sys.stderr, f"hopcite: {text}")


def _write(stream: TextIO, text: str) -> None:
    """A line. Documents may hold sequences that command a terminal; a pipe gets the characters as they are."""
    stream.write(f"{text.translate(_COMMANDS) if stream.isatty() else text}\n")


def check_writable(file: Path, flag: str) -> None:
    """Before work that takes time: raise `UsageError` when its result could not be written there."""
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(f"{file} is no file that can be written; choose another {flag}.")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their content: whole, so that ids can be copied."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [cell.ljust(width + _GAP) for cell, width in zip(row, widths, strict=True)]
        print_line("".join(cells).rstrip())


class Bar:
    """A progress bar on stderr. `set` takes what is done so far, and the total when it is known."""

    def __init__(self, label: str, *, unit: Literal["bytes", "documents", ""]) -> None:
        scaled: dict[str, Any] = {"unit": "B", "unit_scale": True} if unit == "bytes" else {"unit": f" {unit}"}
        self._label = label
        # Nothing is drawn before the first progress: work that was done already has no bar.
        self._bar = tqdm(desc=label, delay=0.1, file=sys.stderr, dynamic_ncols=True, leave=True, **scaled)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def set(self, done: int, total: int | None, *, label: str | None = None, note: str = "") -> None:
        """Show this much done. Another label begins the bar anew; a note stands at its end."""
        if label is not None and label != self._label:
            self._label = label
            self._bar.set_description(label, refresh=False)
            self._bar.reset(total)
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)


class StatusLine:
    """One line on a terminal's stderr that says what is being done, gone at the end. Elsewhere silent."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")

    def set(self, line: str | None) -> None:
        """Replace the line; None leaves it."""
        if line is not None:
            self._write(line)

    def _write(self, line: str) -> None:
        if self._live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
