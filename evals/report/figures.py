"""The report's plots, each with its numbers as a table and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from evals.labels import label
from evals.losses import FATES, losses_of
from evals.metrics import abstention
from evals.reading import Run, calibrated, confidence_and_correctness, seconds_of
from evals.report import svg
from evals.report.tables import Cell, Table, percent, points
from evals.summary import interval, scores_of

_STAGES = ("plan", "retrieve", "rerank", "write", "verify")
_DEPTHS = (2, 5, 10, 20)
_CURVE_POINTS = 120
_LOG_FROM = 20
"""Seconds that differ by this factor are drawn on a logarithmic axis."""


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


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Those for which some run has what it takes."""
    scores = [scores_of(run.records) for run in runs]
    drawn: tuple[Callable[[], Figure | None], ...] = (
        lambda: _quality(runs, scores),
        lambda: _risk(runs),
        lambda: _stages(runs),
        lambda: _losses(runs),
        lambda: _recall(runs, scores),
        lambda: _calibration(runs),
    )
    return [figure for draw in drawn if (figure := draw()) is not None]


def _legend(runs: Sequence[Run], extra: Sequence[str] = ()) -> list[tuple[Markup, str]]:
    told = extra or [""] * len(runs)
    return [(svg.swatch(n), f"{run.name}{more}") for n, (run, more) in enumerate(zip(runs, told, strict=True))]


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
        [("", svg.plot(series, x, y, told=_told(table)))],
        _legend(runs),
        table,
    )


def _recall(runs: Sequence[Run], scores: Sequence[dict[str, dict[str, float]]]) -> Figure | None:
    with_recall = [(n, run) for n, run in enumerate(runs) if "recall@5" in scores[n]]
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
        y = svg.linear_axis(f"{heading} (%)", [v for one in series for p in one.points for v in p.y_interval or ()])
        panels.append((heading, svg.plot(series, x, y, told=_told(Table(("run", *map(str, _DEPTHS)), of_family)))))
    return Figure(
        "recall",
        "Evidence among the first k documents",
        "Recall: the share of a question's gold passages. All evidence: the share of questions with every one of them. "
        "Bars are 95% intervals.",
        panels,
        _legend(runs),
        Table(("run (%)", *(f"@{k}" for k in _DEPTHS)), rows),
    )


def _risk(runs: Sequence[Run]) -> Figure | None:
    drawn, told = [], []
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for n, run in enumerate(runs):
        confidence, correct = confidence_and_correctness(run.records)
        if not correct:
            told.append(": no answers")
            continue
        risks = abstention.risk_coverage(confidence, correct)
        kept = sorted({*np.linspace(0, len(risks) - 1, min(len(risks), _CURVE_POINTS)).astype(int).tolist()})
        curve = [svg.Point((i + 1) / len(risks), risks[i]) for i in kept]
        drawn.append(svg.Series(run.name, curve, n, line=True, marks=len(curve) == 1))
        area = resampled(abstention.aurc, confidence, correct)
        at = tuple(percent(risks[max(0, round(share * len(risks)) - 1)]) for share in (0.25, 0.5, 0.75, 1.0))
        rows.append((run.name, (points(area, times=1, digits=3), *at)))
        told.append(f": AURC {area['mean']:.3f} ({area['low']:.3f} to {area['high']:.3f})")
    if not drawn:
        return None
    table = Table(("run", "AURC", "risk at 25%", "at 50%", "at 75%", "at 100%"), rows)
    x, y = svg.percent_axis("coverage: share of questions answered"), svg.percent_axis("risk: share of answers wrong")
    measure = label(next(run.answer_measure for run in runs if run.written))
    return Figure(
        "risk",
        "Risk against coverage",
        f"If only the most confident share of the questions were answered (coverage), how many of these answers would "
        f"be wrong (risk, by {measure}). Lower is better; a flat line means that the confidence tells nothing. AURC is "
        "the area under the line, with its 95% interval.",
        [("", svg.plot(drawn, x, y, told=_told(table)))],
        _legend(runs, told),
        table,
    )


def _calibration(runs: Sequence[Run]) -> Figure | None:
    panels = []
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for n, run in enumerate(runs):
        confidence, correct = confidence_and_correctness(run.records)
        if not correct:
            continue
        bins = [part for part in abstention.calibration_bins(confidence, correct) if part.n]
        error = resampled(abstention.ece, confidence, correct)
        drawn = [
            svg.Point(
                part.confidence or 0.0, part.accuracy or 0.0, wilson(part.accuracy or 0.0, part.n),
                size=3 + 6 * (part.n / len(correct)) ** 0.5,
            )
            for part in bins
        ]  # fmt: skip
        told = "; ".join(f"confidence {p.x:.2f}: right {percent(p.y)}" for p in drawn)
        axes = svg.percent_axis("confidence"), svg.percent_axis(f"right, by {label(run.answer_measure)}")
        ece = f"ECE {error['mean']:.3f} ({error['low']:.3f} to {error['high']:.3f})"
        name = f"{run.name}, {calibrated(run)}".removesuffix(", ")
        panels.append(
            (f"{name}: {ece}",
             svg.plot([svg.Series(run.name, drawn, n)], *axes, told=f"{name}, {ece}. {told}", diagonal=True))
        )  # fmt: skip
        rows += [
            (f"{run.name}, {part.low:.1f} to {part.high:.1f}",
             (str(part.n), f"{part.confidence or 0:.3f}", percent(part.accuracy or 0.0)))
            for part in bins
        ]  # fmt: skip
    if not panels:
        return None
    return Figure(
        "calibration",
        "Calibration of the confidence",
        "On the dashed line an answer with confidence 80% is right 8 times out of 10. Larger marks hold more answers; "
        "bars are 95% (Wilson) intervals. ECE is the mean distance from the line, weighted by answers, over 10 bins.",
        panels,
        [],
        Table(("run, bin of confidence", "answers", "mean confidence", "right"), rows),
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
        [("", svg.bars(drawn, x, told=_told(table)))],
        [(_square(f"stage-{name}"), name) for name in names],
        table,
    )


def _losses(runs: Sequence[Run]) -> Figure | None:
    counts = [losses_of(run) for run in runs]
    if not any(sum(found.values()) for found in counts):
        return None
    used = [fate for fate in FATES if any(found[fate] for found in counts)]
    drawn, rows = [], []
    for run, found in zip(runs, counts, strict=True):
        total = sum(found.values())
        name = "cited" if run.written else "would be shown"
        parts = [
            (f"{name if fate == 'found' else fate}, {found[fate]}", _fate_class(fate), found[fate] / max(total, 1))
            for fate in used
        ]
        drawn.append(svg.Bar(run.name, parts, f"{percent(found['found'] / max(total, 1))} {name}"))
        rows.append((run.name, (*(str(found[fate]) for fate in used), str(total))))
    table = Table(("run", *used, "gold passages"), rows)
    return Figure(
        "losses",
        "Where evidence was lost",
        "Each gold passage, at the first stage that it did not get through. Found: cited by the answer or, in a run "
        "without a writer, among the passages that one would be shown. Reranked out: ranked below these; without a "
        "reranker that order is the search's own.",
        [("", svg.bars(drawn, svg.percent_axis("share of gold passages"), told=_told(table)))],
        [(_square(_fate_class(fate)), fate) for fate in used],
        table,
    )


def resampled(
    statistic: Callable[[Sequence[float], Sequence[float]], float],
    confidence: Sequence[float],
    correct: Sequence[float],
    *,
    resamples: int = 500,
) -> dict[str, float]:
    """A statistic of the questions as `mean`, the value itself, with the 95% interval of its resamples (seeded)."""
    sure, right = np.asarray(confidence), np.asarray(correct)
    drawn = np.random.default_rng(0).integers(0, len(sure), size=(resamples, len(sure)))
    low, high = np.percentile([statistic(sure[rows], right[rows]) for rows in drawn], [2.5, 97.5])
    return {"mean": statistic(confidence, correct), "low": float(low), "high": float(high)}


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95% interval of a share of n."""
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _fate_class(fate: str) -> str:
    return f"fate-{fate.replace(' ', '-')}"


def _square(style: str) -> Markup:
    drawn = Markup('<rect class="{}" x="1" y="1" width="12" height="12"/>').format(style)
    return Markup('<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">{}</svg>').format(drawn)


def _told(table: Table) -> str:
    """A table in one sentence for each row."""
    told = [
        f"{name}: " + ", ".join(f"{head} {_words(cell)}" for head, cell in zip(table.header[1:], cells, strict=False))
        for name, cells in table.rows
    ]
    return ". ".join(told)


def _words(cell: Any) -> str:
    return cell if isinstance(cell, str) else f"{cell.text} ({cell.small})"
