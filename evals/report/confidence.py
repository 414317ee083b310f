"""The report's plots of whether `confidence` knows which answers are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from evals.labels import label
from evals.metrics import abstention
from evals.reading import Run, calibrated, confidence_and_correctness, was_given
from evals.report import svg
from evals.report.figure import Figure, legend, told
from evals.report.tables import Cell, Table, percent, points, shares

_CURVE_POINTS = 120


def risk(runs: Sequence[Run]) -> Figure | None:
    """How many answers are wrong if only the most confident are given. None without answers that have a confidence."""
    drawn, areas = [], []
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for n, run in enumerate(runs):
        confidence, correct = confidence_and_correctness(run.records)
        if not correct:
            areas.append(": no confidence")
            continue
        risks = abstention.risk_coverage(confidence, correct)
        kept = sorted({*np.linspace(0, len(risks) - 1, min(len(risks), _CURVE_POINTS)).astype(int).tolist()})
        curve = [svg.Point((i + 1) / len(risks), risks[i]) for i in kept]
        drawn.append(svg.Series(run.name, curve, n, line=True, marks=len(curve) == 1))
        area = resampled(abstention.aurc, confidence, correct)
        at = tuple(percent(risks[max(0, round(share * len(risks)) - 1)]) for share in (0.25, 0.5, 0.75, 1.0))
        rows.append((run.name, (points(area, times=1, digits=3), *at)))
        areas.append(f": AURC {area['mean']:.3f} ({area['low']:.3f} to {area['high']:.3f})")
    if not drawn:
        return None
    table = Table(("run", "AURC", "risk at 25%", "at 50%", "at 75%", "at 100%"), rows)
    x, y = svg.percent_axis("coverage: share of questions answered"), svg.percent_axis("risk: share of answers wrong")
    measure = label(runs[0].answer_measure)
    return Figure(
        "risk",
        "Risk against coverage",
        f"If only the most confident share of the questions were answered (coverage), how many of these answers would "
        f"be wrong (risk, by {measure}). Lower is better; a flat line means that the confidence tells nothing. "
        "Declined and failed questions come last. AURC is the area under the line, with its 95% interval.",
        [("", svg.plot(drawn, x, y, told=told(table)))],
        legend(runs, areas, line=True),
        table,
    )


def calibration(runs: Sequence[Run]) -> Figure | None:
    """How many of the answers that were given are right by what was said of them. None without a confidence."""
    panels = []
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for n, run in enumerate(runs):
        confidence, correct = confidence_and_correctness([record for record in run.records if was_given(record)])
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
        words = "; ".join(f"confidence {p.x:.2f}: right {percent(p.y)}" for p in drawn)
        axes = svg.percent_axis("confidence"), svg.percent_axis(f"right, by {label(run.answer_measure)}")
        ece = f"ECE {error['mean']:.3f} ({error['low']:.3f} to {error['high']:.3f}), {len(correct)} answers"
        name = f"{run.name}, {calibrated(run)}".removesuffix(", ")
        panels.append(
            (f"{name}: {ece}",
             svg.plot([svg.Series(run.name, drawn, n)], *axes, told=f"{name}, {ece}. {words}", diagonal=True))
        )  # fmt: skip
        rows += [
            (f"{run.name}, {part.low:.1f} to {part.high:.1f}",
             (str(part.n), f"{part.confidence or 0:.3f}", shares(point.y, point.y_interval)))
            for part, point in zip(bins, drawn, strict=True)
        ]  # fmt: skip
    if not panels:
        return None
    return Figure(
        "calibration",
        "Calibration of the confidence",
        "On the dashed line an answer with confidence 80% is right 8 times out of 10. Questions that were declined or "
        "failed have no answer and do not count. Larger marks hold more answers; bars are 95% (Wilson) intervals. ECE "
        "is the mean distance from the line, weighted by answers, over 10 bins; resampling raises it, so that its "
        "interval lies high.",
        panels,
        [],
        Table(("run, bin of confidence", "answers", "mean confidence", "right (%)"), rows),
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
