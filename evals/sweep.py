"""Several systems on the same questions, one run folder each, and one table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.runner import FinishedRun, OnProgress, OpenParts, RunProgress, RunRequest, open_parts_of, run_evaluation
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
    """One row a system: the main measures in percent with 95% intervals, calls and seconds a question."""
    shown = [name for name in _SHOWN if any(name in run.summary["scores"] for run in runs)]
    first = runs[0].summary
    lines = [
        f"{first['dataset']} {first['split']}: {first['questions']} questions",
        "",
        f"| system | {' | '.join(shown)} | failed | calls | seconds |",
        "|---" * (len(shown) + 4) + "|",
    ]
    for run in runs:
        summary = run.summary
        cells = [_cell(summary["scores"].get(name)) for name in shown]
        cost = summary["cost"]
        spent = (f"{cost['llm_calls']:.1f}", f"{cost['seconds']['total']:.3g}") if cost else ("", "")
        lines.append(f"| {summary['system']} | {' | '.join([*cells, str(summary['errors']), *spent])} |")
    return "\n".join(lines)


def _cell(score: dict[str, float] | None) -> str:
    if score is None:
        return ""
    return f"{100 * score['mean']:.1f} ({100 * score['low']:.1f} to {100 * score['high']:.1f})"
