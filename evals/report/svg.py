"""Plots as SVG, drawn by hand: axes, points with intervals, lines, bars. Colours are classes of the page's style."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 400, 270
_NAME = 32
"""Characters of a name that fit above a bar."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 46
COLOURS = 8
"""Run colours in the style, `k0` and so on; further runs begin anew with another marker."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, with a label at each of `ticks`."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the start of the axis, 1 at its end."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return min(1.0, max(0.0, (at - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Point:
    """A value with, where they are known, the intervals of y and x."""

    x: float
    y: float
    y_interval: tuple[float, float] | None = None
    x_interval: tuple[float, float] | None = None
    size: float = 5.0


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour. `colour` counts the runs."""

    name: str
    points: Sequence[Point]
    colour: int
    line: bool = False
    marks: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """Parts laid end to end: (name, class, value)."""

    name: str
    parts: Sequence[tuple[str, str, float]]
    told: str = ""


def linear_axis(label: str, values: Iterable[float], *, from_zero: bool = False, unit: str = "") -> Axis:
    """An axis of round numbers around the values."""
    found = list(values) or [0.0, 1.0]
    low, high = (min(0.0, *found, 0.0) if from_zero else min(found)), max(found)
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = _round_step((high - low) / 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple((n * step, f"{n * step:g}{unit}") for n in range(first, last + 1))
    return Axis(label, first * step, last * step, ticks)


def log_axis(label: str, values: Iterable[float]) -> Axis:
    """A logarithmic axis of 1, 2, 5 times powers of ten around positive values."""
    found = list(values)
    steps = [m * 10.0**e for e in range(-5, 8) for m in (1, 2, 5)]
    low = max(step for step in steps if step <= max(min(found), steps[0]))
    high = min(step for step in steps if step >= min(max(found), steps[-1]) and step > low)
    inside = [step for step in steps if low <= step <= high]
    if len(inside) > 7:
        inside = [step for step in inside if f"{step:.0e}".startswith("1")]
    return Axis(label, low, high, tuple((step, f"{step:g}") for step in inside), log=True)


def percent_axis(label: str) -> Axis:
    """From 0 to 100%."""
    return Axis(label, 0.0, 1.0, tuple((n / 5, f"{20 * n}%") for n in range(6)))


def plot(
    series: Sequence[Series], x: Axis, y: Axis, *, told: str, diagonal: bool = False, height: int = HEIGHT
) -> Markup:
    """Series over two axes. `told` is what a reader who does not see the plot is told."""
    body = [_grid(x, y, height)]
    if diagonal:
        ends = (_x(x, x.low), _y(y, y.low, height), _x(x, x.high), _y(y, y.high, height))
        body.append(Markup('<line class="guide" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*ends))
    body.extend(_drawn(one, x, y, height) for one in series)
    return _svg(body, height, told)


def bars(rows: Sequence[Bar], x: Axis, *, told: str) -> Markup:
    """One stacked bar for each row, under its name."""
    row_height, top = 40, 6
    bottom = top + row_height * len(rows)
    body = [_x_axis(x, bottom, top, left=_RIGHT)]
    for n, row in enumerate(rows):
        base = top + n * row_height
        name = row.name if len(row.name) <= _NAME else f"{row.name[: _NAME - 1]}…"
        body.append(Markup('<text x="{}" y="{}" class="name">{}</text>').format(_RIGHT, base + 13, name))
        body.append(
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(WIDTH - _RIGHT, base + 13, row.told)
        )
        done = 0.0
        for part, style, value in row.parts:
            start, end = (_RIGHT + x.share(v) * (WIDTH - 2 * _RIGHT) for v in (done, done + value))
            done += value
            if end - start > 0.05:
                body.append(
                    Markup('<rect class="{}" x="{}" y="{}" width="{}" height="16"><title>{}</title></rect>').format(
                        style, _n(start), base + 19, _n(end - start), f"{row.name}: {part}"
                    )
                )
    return _svg(body, bottom + _BOTTOM - 6, told)


def swatch(colour: int, *, line: bool = False) -> Markup:
    """The mark of a run in a legend, or its line."""
    if not line:
        return Markup('<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">{}</svg>').format(
            _mark(7, 7, 5, colour)
        )
    drawn = Markup('<g class="k{}"><polyline class="line d{}" points="0,7 34,7"/>{}</g>')
    return Markup('<svg class="swatch long" viewBox="0 0 34 14" aria-hidden="true">{}</svg>').format(
        drawn.format(colour % COLOURS, colour % 4, _mark(17, 7, 4, colour))
    )


def _svg(body: Iterable[Markup], height: float, told: str) -> Markup:
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, _n(height), told, Markup("").join(body)
    )


def _grid(x: Axis, y: Axis, height: int) -> Markup:
    lines = [_x_axis(x, height - _BOTTOM, _TOP, left=_LEFT)]
    for value, text in y.ticks:
        at = _y(y, value, height)
        lines.append(_rule((_LEFT, at), (WIDTH - _RIGHT, at)))
        lines.append(Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(_LEFT - 6, _n(at + 4), text))
    middle = _n((_TOP + height - _BOTTOM) / 2)
    lines.append(
        Markup('<text class="axis" transform="translate(13 {}) rotate(-90)" text-anchor="middle">{}</text>').format(
            middle, y.label
        )
    )
    return Markup("").join(lines)


def _x_axis(x: Axis, bottom: float, top: float, *, left: float) -> Markup:
    lines = []
    for value, text in x.ticks:
        at = left + x.share(value) * (WIDTH - _RIGHT - left)
        lines.append(_rule((at, top), (at, bottom)))
        lines.append(Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(_n(at), _n(bottom + 16), text))
    middle = _n((left + WIDTH - _RIGHT) / 2)
    label = Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>')
    return Markup("").join([*lines, label.format(middle, _n(bottom + 35), x.label)])


def _rule(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    path = f"M{_n(start[0])} {_n(start[1])}L{_n(end[0])} {_n(end[1])}"
    return Markup('<path class="grid" d="{}"/>').format(path)


def _drawn(series: Series, x: Axis, y: Axis, height: int) -> Markup:
    style = f"k{series.colour % COLOURS}"
    body = []
    if series.line and len(series.points) > 1:
        path = " ".join(f"{_n(_x(x, p.x))},{_n(_y(y, p.y, height))}" for p in series.points)
        body.append(Markup('<polyline class="line d{}" points="{}"/>').format(series.colour % 4, path))
    for point in series.points:
        at_x, at_y = _x(x, point.x), _y(y, point.y, height)
        if point.y_interval:
            ends = (_y(y, value, height) for value in point.y_interval)
            body.append(_whisker((at_x, at_x), tuple(ends), cap=(3, 0)))
        if point.x_interval:
            ends = (_x(x, value) for value in point.x_interval)
            body.append(_whisker(tuple(ends), (at_y, at_y), cap=(0, 3)))
        if series.marks:
            body.append(_mark(at_x, at_y, point.size, series.colour))
    return Markup('<g class="{}"><title>{}</title>{}</g>').format(style, series.name, Markup("").join(body))


def _whisker(xs: tuple[float, ...], ys: tuple[float, ...], *, cap: tuple[int, int]) -> Markup:
    wide, tall = cap
    path = f"M{_n(xs[0])} {_n(ys[0])}L{_n(xs[1])} {_n(ys[1])}" + "".join(
        f"M{_n(at_x - wide)} {_n(at_y - tall)}L{_n(at_x + wide)} {_n(at_y + tall)}"
        for at_x, at_y in zip(xs, ys, strict=True)
    )
    return Markup('<path class="whisker" d="{}"/>').format(path)


def _mark(x: float, y: float, size: float, colour: int) -> Markup:
    """Runs differ in colour and in shape: circle, square, diamond, triangle."""
    style, shape = f"mark k{colour % COLOURS}", (colour + colour // COLOURS) % 4
    if shape == 0:
        return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(style, _n(x), _n(y), _n(size))
    corners = {
        1: ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        2: ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        3: ((0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    }[shape]
    path = " ".join(f"{_n(x + size * dx)},{_n(y + size * dy)}" for dx, dy in corners)
    return Markup('<polygon class="{}" points="{}"/>').format(style, path)


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.share(value) * (WIDTH - _RIGHT - _LEFT)


def _y(axis: Axis, value: float, height: int) -> float:
    return height - _BOTTOM - axis.share(value) * (height - _BOTTOM - _TOP)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= least * (1 - 1e-9))
