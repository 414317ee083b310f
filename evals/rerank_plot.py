"""Rerankers in one picture: quality against cost, a point for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from evals.labels import label
from evals.report.svg import WIDTH, Point, Series, linear_axis, log_axis, plot, swatch

_HEIGHT = 270
_LINE = 18
# Dark enough on white, and told apart without colour by their shapes.
_COLOURS = ("#1f5fa8", "#b3492d", "#2f7d4f", "#7a4ca0", "#8a6d1a", "#0f7c85", "#a83279", "#555555")
_STYLE = """text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd;fill:none}.whisker{stroke:currentColor;fill:none}
.mark{fill:currentColor}""" + "".join(f".k{number}{{color:{colour}}}" for number, colour in enumerate(_COLOURS))
_ENTRY = '<g transform="translate({} {})"><svg width="14" height="14">{}</svg><text x="20" y="11">{}</text></g>'
PLOT_COSTS = {"seconds": 0.01, "cpu_seconds": 0.01, "prompt_tokens": 10.0, "calls": 0.1}
"""What quality can be drawn against, and where free methods stand: a logarithmic axis has no zero."""


def render_plot(rows: Sequence[Mapping[str, Any]], *, measure: str = "ndcg@10", cost: str = "seconds") -> str:
    """A standalone SVG of the rows of `run_rerank_bench`: the measure with its 95% interval against a cost a query.

    `cost` is one of `PLOT_COSTS`.
    """
    named = f"{label(cost)} a query"
    drawn = [row for row in rows if measure in row["intervals"]]
    points = [_point(row, measure, cost) for row in drawn]
    series = [
        Series(row["method"], (point,), colour, marks=True)
        for colour, (row, point) in enumerate(zip(drawn, points, strict=True))
    ]
    values = [end for point in points for end in point.y_interval or (point.y,)]
    told = f"{label(measure)} against {named}: " + "; ".join(
        f"{row['method']} {100 * row[measure]:.1f} at {row[cost]:.2f}" for row in drawn
    )
    picture = plot(
        series,
        log_axis(named, [point.x for point in points] or [1.0]),
        linear_axis(f"{label(measure)}, 95% interval", values),
        told=told,
        height=_HEIGHT,
    )
    legend = Markup("").join(
        Markup(_ENTRY).format(WIDTH + 10, 14 + _LINE * number, swatch(number), row["method"])  # noqa: S704 # ours
        for number, row in enumerate(drawn)
    )
    longest = max((len(str(row["method"])) for row in drawn), default=0)
    width, height = WIDTH + 40 + 7 * longest, max(_HEIGHT, 28 + _LINE * len(drawn))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    inside = f'<svg width="{WIDTH}" height="{_HEIGHT}">{picture}</svg>'
    return f"{head}<style>{_STYLE}</style>{ground}{inside}{legend}</svg>\n"


def _point(row: Mapping[str, Any], measure: str, cost: str) -> Point:
    found = row["intervals"][measure]
    interval = (100 * found["low"], 100 * found["high"])
    return Point(max(PLOT_COSTS[cost], row[cost]), 100 * row[measure], y_interval=interval)
