"""Several systems on the same questions, one run folder each, and one table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.columns import WIDTH, columns
from evals.labels import in_order, label
from evals.request import RunRequest
from evals.runner import FinishedRun, OnProgress, OpenParts, RunProgress, open_parts_of, run_evaluation
from evals.summary import interval_text, percent, seconds_text
from evals.systems import system_named
from hopcite.errors import UsageError
from hopcite.settings import Settings
from retrieval import Encoder, open_encoder

_SHOWN = ("em", "f1", "accuracy", "recall@5", "all_evidence@10", "citation_precision", "citation_recall")


def run_sweep(
    request: RunRequest,
    systems: Sequence[str],
    *,
    settings: Settings,
    progress: OnProgress,
    encoder: Encoder | None = None,
    open_parts: OpenParts = open_parts_of,
) -> list[FinishedRun]:
    """Run each system on the request's questions; `request.out` is the folder that holds the run folders.

    The systems are checked first, so a misspelt one does not come to light after an hour. Run it again to go on.
    """
    if not systems:
        raise UsageError("Name the systems with --systems, with commas between them.")
    twice = [name for name in systems if systems.count(name) > 1]
    if twice:
        raise UsageError(f"The system {twice[0]} stands twice in --systems.")
    for name in systems:
        system_named(name)
    encoder = encoder or open_encoder(settings)
    finished = []
    for name in systems:

        def told(now: RunProgress, system: str = name) -> None:
            progress(replace(now, stage=f"{system}: {now.stage.lower()}"))

        part = replace(request, system=name, out=request.out / name if request.out else None)
        finished.append(run_evaluation(part, settings=settings, progress=told, encoder=encoder, open_parts=open_parts))
    return finished


def render_sweep(runs: Sequence[FinishedRun]) -> str:
    """One row a system: the main measures in percent with 95% intervals, then failures, calls and seconds a question.

    As many measures stand beside each other as a line has room for.
    """
    first = runs[0].summary
    shown = [name for name in in_order(_SHOWN) if any(name in run.summary["scores"] for run in runs)]
    table: list[tuple[str, ...]] = [("system", *(run.summary["system"] for run in runs))]
    table += [(label(name), *(_cell(run.summary["scores"].get(name)) for run in runs)) for name in shown]
    table.append(("failed", *(str(run.summary["errors"]) for run in runs)))
    costs = [run.summary["cost"] for run in runs]
    table.append(("calls", *(f"{cost['llm_calls']:.1f}" if cost else "" for cost in costs)))
    table.append(("seconds", *(seconds_text(cost["seconds"]["total"]) if cost else "" for cost in costs)))
    lines = [f"{first['dataset']} {first['split']}: {first['questions']} questions; percent, with 95% intervals"]
    for part in _parts(table):
        lines += ["", *columns(list(zip(*part, strict=True)))]
    return "\n".join(lines)


def _parts(table: Sequence[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    """The columns of a table, each a tuple, in parts that a line has room for; each part begins with the first."""
    names, *rest = table
    parts, room = [[names]], 0
    for column in rest:
        width = 2 + max(map(len, column))
        if width > room and len(parts[-1]) > 1:
            parts.append([names])
        if len(parts[-1]) == 1:
            room = WIDTH - max(map(len, names))
        parts[-1].append(column)
        room -= width
    return parts


def _cell(score: dict[str, float] | None) -> str:
    return "–" if score is None else f"{percent(score)} ({interval_text(score)})"
