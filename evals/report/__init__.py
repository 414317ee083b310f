"""Runs to one page: a file of HTML that needs no network and nothing beside it."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from evals.compare import compare
from evals.compare_text import interval_text, p_text, points_text
from evals.labels import label
from evals.reading import Run, read_runs
from evals.report import tables
from evals.report.figures import figures
from evals.report.questions import packed_questions
from hopcite.errors import NoSpace, UsageError

__all__ = ["render_report", "write_report"]


def write_report(folders: Sequence[Path], target: Path) -> Path:
    """Read the runs, write their page to `target` and return its path. The file is there whole or not at all.

    Raises `UsageError` when a folder is no run, when the runs don't go together, or when `target` can't be written.
    """
    page = render_report(read_runs(folders))
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file with --html.")
    beside = target.with_name(f"{target.name}.new")
    try:
        beside.write_bytes(page.encode("utf-8", "replace"))
        beside.replace(target)
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(f"The disk of {target} is full; free some space and run the same command again.") from exc
        raise UsageError(f"{target} cannot be written ({exc.strerror or exc}); choose another --html.") from exc
    finally:
        _remove(beside)  # gone already where it was renamed
    return target


def render_report(runs: Sequence[Run]) -> str:
    """The page. The first run is the one that the others are compared with."""
    environment = Environment(
        loader=PackageLoader("evals.report", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(label=label, p_text=p_text, interval_text=interval_text, points_text=points_text)
    return environment.get_template("page.html").render(
        runs=runs,
        first=runs[0],
        mixed=len({frozenset(record["id"] for record in run.records) for run in runs}) > 1,
        notes=dict.fromkeys(note for run in runs for note in run.notes),
        what_ran=tables.what_ran(runs),
        provenance=tables.provenance(runs),
        settings=tables.differing_settings(runs),
        measures=tables.measures(runs),
        by_type=tables.measures_by_type(runs),
        outcome=tables.outcome(runs),
        cost=tables.cost(runs),
        figures=figures(runs),
        comparisons=_comparisons(runs),
        questions=packed_questions(runs),
    )


def _comparisons(runs: Sequence[Run]) -> list[object]:
    """Each run with the first one, where they share a question."""
    asked = {record["id"] for record in runs[0].records}
    others = [run for run in runs[1:] if any(record["id"] in asked for record in run.records)]
    return [compare(runs[0], run) for run in others]


def _remove(path: Path) -> None:
    """Ours, half-written; where even this fails, the first error says more."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
