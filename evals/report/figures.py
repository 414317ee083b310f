"""The report's plots, each with its numbers as a table and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from markupsafe import Markup

from evals.labels import label
from evals.losses import FATES, Depths, fates, losses_of
from evals.reading import Run, seconds_of
from evals.report import confidence, svg
from evals.report.figure import Figure, legend, told
from evals.report.tables import Cell, Table, points, shares
from evals.summary import interval, scores_of

_STAGES = ("plan", "retrieve", "rerank", "write", "verify")
_DEPTHS = (2, 5, 10, 20)
_LOG_FROM = 20
"""Seconds that differ by this factor are drawn on a logarithmic axis."""


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Those for which some run has what it takes."""
    scores = [scores_of(run.records) for run in runs]
    drawn: tuple[Callable[[], Figure | None], ...] = (
        lambda: _quality(runs, scores),
        lambda: confidence.risk(runs),
        lambda: _stages(runs),
        lambda: _losses(runs),
        lambda: _recall(runs, scores),
        lambda: confidence.calibration(runs),
    )
    return [figure for draw in drawn if (figure := draw()) is not None]


def _quality(runs: Sequence[Run], scores: Sequence[dict[str, dict[str, float]]]) -> Figure | None:
    measure = next((name for name in ("f1", "recall@5") if all(name in found for found in scores)), None)
    times = [[s for record in run.records if (s := seconds_of(record)) is not None] for run in runs]
    if measure is None or not all(times):
        return None
    series, rows = [], []
    for n, (run, found, seconds) in enumerate(zip(runs, scores, times, strict=True)):
        score, spent = found[measure], interval(seconds)
        point = svg.Point(
            spent["mean"], 100 * score["mean"], (100 * score["low"], 100 * score["high"]), (spent["low"], spent["high"])
        )
        series.append(svg.Series(run.name, [point], n))
        rows.append((run.name, (points(score), points(spent, times=1, digits=2))))
    edges = [v for one in series for p in one.points for v in p.x_interval or ()]
    logarithmic = min(edges) > 0 and max(edges) / min(edges) > _LOG_FROM
    x_label = f"seconds per question{' (logarithmic)' if logarithmic else ''}"
    x = svg.log_axis(x_label, edges) if logarithmic else svg.linear_axis(x_label, edges, from_zero=True)
    y = svg.linear_axis(f"{label(measure)} (%)", [v for one in series for p in one.points for v in p.y_interval or ()])
    table = Table(("run", f"{label(measure)} (%)", "seconds per question"), rows)
    return Figure(
        "quality",
        f"{label(measure).capitalize() if measure != 'f1' else 'Answer F1'} against time",
        "Up and to the left is better. Bars are 95% intervals of the means. Questions that failed count in the score "
        "and not in the time.",
        [("", svg.plot(series, x, y, told=told(table)))],
        legend(runs),
        table,
    )


def _recall(runs: Sequence[Run], scores: Sequence[dict[str, dict[str, float]]]) -> Figure | None:
    with_recall = [(n, run) for n, run in enumerate(runs) if run.evidence == "retrieved" and "recall@5" in scores[n]]
    if not with_recall:
        return None
    panels = []
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for family, heading in (("recall", "Passage recall@k"), ("all_evidence", "All evidence@k")):
        series = []
        of_family: list[tuple[str, tuple[Cell, ...]]] = []
        for n, run in with_recall:
            known = [
                (place, scores[n][f"{family}@{k}"]) for place, k in enumerate(_DEPTHS) if f"{family}@{k}" in scores[n]
            ]
            # Beside each other, not on top of each other: runs often have nearly the same recall.
            shift = (n - (len(runs) - 1) / 2) * min(0.08, 0.4 / len(runs))
            drawn = [svg.Point(p + shift, 100 * s["mean"], (100 * s["low"], 100 * s["high"]), size=4) for p, s in known]
            series.append(svg.Series(run.name, drawn, n, line=True))
            of_family.append((f"{run.name}, {label(family)}", tuple(points(score) for _, score in known)))
        rows += of_family
        x = svg.Axis("k, documents in rank order", -0.3, 3.3, tuple((float(n), str(k)) for n, k in enumerate(_DEPTHS)))
        edges = [v for one in series for p in one.points for v in p.y_interval or ()]
        y = svg.linear_axis(f"{heading} (%)", edges, from_zero=True)  # the two plots have one scale
        panels.append((heading, svg.plot(series, x, y, told=told(Table(("run", *map(str, _DEPTHS)), of_family)))))
    return Figure(
        "recall",
        "Evidence among the first k documents",
        "Recall: the share of a question's gold passages. All evidence: the share of questions with every one of them. "
        "Bars are 95% intervals.",
        panels,
        [one for n, one in enumerate(legend(runs, line=True)) if n in dict(with_recall)],
        Table(("run (%)", *(f"@{k}" for k in _DEPTHS)), rows),
    )


def _stages(runs: Sequence[Run]) -> Figure | None:
    drawn, rows = [], []
    for run in runs:
        spent = [record["usage"]["ms"] for record in run.records if seconds_of(record) is not None]
        if not spent:
            continue
        means = {stage: float(np.mean([ms.get(stage, 0.0) for ms in spent])) / 1000 for stage in _STAGES}
        total = float(np.mean([ms["total"] for ms in spent])) / 1000
        means["other"] = max(0.0, total - sum(means.values()))
        parts = [(f"{stage} {value:.2f} s", f"stage-{stage}", value) for stage, value in means.items()]
        drawn.append(svg.Bar(run.name, parts, f"{total:.2f} s"))
        rows.append((run.name, tuple(f"{value:.3f}" for value in (*means.values(), total))))
    if not drawn:
        return None
    x = svg.linear_axis("mean seconds per question", [sum(p[2] for p in bar.parts) for bar in drawn], from_zero=True)
    table = Table(("run (seconds)", *_STAGES, "other", "total"), rows)
    names = (*_STAGES, "other")
    return Figure(
        "stages",
        "Where the time goes",
        "Means over the questions that did not fail. Times depend on the machine and on what else ran on it.",
        [("", svg.bars(drawn, x, told=told(table)))],
        [(_square(f"stage-{name}"), name) for name in names],
        table,
    )


def _losses(runs: Sequence[Run]) -> Figure | None:
    counts = {n: losses_of(run) for n, run in enumerate(runs) if run.evidence != "none"}
    counts = {n: found for n, found in counts.items() if sum(found.values())}
    if not counts:
        return None
    used = [fate for fate in FATES if any(found[fate] for found in counts.values())]
    drawn, rows = [], []
    for n, found in counts.items():
        run, total = runs[n], sum(found.values())
        name = "cited" if run.written else "would be read"
        kept = found_share(run)
        parts = [
            (f"{name if fate == 'found' else fate}, {found[fate]}", _fate_class(fate), found[fate] / total)
            for fate in used
        ]
        between = f"{100 * kept['low']:.0f} to {100 * kept['high']:.0f}"
        drawn.append(svg.Bar(run.name, parts, f"{100 * kept['mean']:.1f}% {name} ({between})"))
        rows.append(
            (
                run.name,
                (shares(kept["mean"], (kept["low"], kept["high"])), *(str(found[fate]) for fate in used), str(total)),
            )
        )
    table = Table(("run", "found (%)", *used, "gold passages"), rows)
    return Figure(
        "losses",
        "Where evidence was lost",
        "Each gold passage, at the first stage that it did not get through. Found: cited by the answer or, in a run "
        "without a writer, among the passages that one would read; with its 95% interval over questions. Reranked out: "
        "ranked below these; without a reranker that order is the search's own.",
        [("", svg.bars(drawn, svg.percent_axis("share of gold passages"), told=told(table)))],
        [(_square(_fate_class(fate)), fate) for fate in used],
        table,
    )


def found_share(run: Run, *, resamples: int = 2000) -> dict[str, float]:
    """The share of the run's gold passages that were found, as `mean`, with the 95% interval of resampled questions."""
    depths = Depths.of(run)
    met = [list(fates(record, depths=depths, written=run.written).values()) for record in run.records]
    pairs = np.array([(of_one.count("found"), len(of_one)) for of_one in met if of_one], dtype=float)
    drawn = np.random.default_rng(0).integers(0, len(pairs), size=(resamples, len(pairs)))
    found, all_ = pairs[drawn].sum(axis=1).T
    low, high = np.percentile(found / all_, [2.5, 97.5])
    return {"mean": float(pairs[:, 0].sum() / pairs[:, 1].sum()), "low": float(low), "high": float(high)}


def _fate_class(fate: str) -> str:
    return f"fate-{fate.replace(' ', '-')}"


def _square(style: str) -> Markup:
    drawn = Markup('<rect class="{}" x="1" y="1" width="12" height="12"/>').format(style)
    return Markup('<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">{}</svg>').format(drawn)
