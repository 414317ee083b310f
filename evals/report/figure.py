"""What every figure of the report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evals.reading import Run
from evals.report import svg
from evals.report.tables import Cell, Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot, or several side by side, with what they show in numbers."""

    id: str
    title: str
    note: str
    panels: Sequence[tuple[str, Markup]]
    """Heading, empty for a single plot, and the drawing."""
    legend: Sequence[tuple[Markup, str]]
    table: Table


def legend(runs: Sequence[Run], extra: Sequence[str] = (), *, line: bool = False) -> list[tuple[Markup, str]]:
    """The mark of each run, by its place among the runs, or its line; `extra` follows the names."""
    told = extra or [""] * len(runs)
    return [
        (svg.swatch(n, line=line), f"{run.name}{more}") for n, (run, more) in enumerate(zip(runs, told, strict=True))
    ]


def told(table: Table) -> str:
    """A table in one sentence for each row."""
    told = [
        f"{name}: " + ", ".join(f"{head} {_words(cell)}" for head, cell in zip(table.header[1:], cells, strict=False))
        for name, cells in table.rows
    ]
    return ". ".join(told)


def _words(cell: Cell) -> str:
    return cell if isinstance(cell, str) else f"{cell.text} ({cell.small})"
