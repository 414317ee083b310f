"""A calibration as text."""

from __future__ import annotations

from agent.calibration import Quality
from evals.calibrate import Calibrated
from evals.labels import label
from evals.metrics.abstention import Bin


def render_calibrated(found: Calibrated) -> str:
    """The reliability table, the quality before and after, and what became of it. Percent, but for the log loss."""
    made = found.calibration
    measures = " or ".join(label(name) for name in made.measure.split(", "))
    left_out = "".join(f"; {count} {why}" for why, count in found.left_out.items())
    lines = [
        f"{made.answers} answers, {made.right} right by {measures}{left_out}",
        "",
        f"| confidence | answers, {made.signal} as it is | said | right | answers, calibrated | said | right |",
        "|---" * 7 + "|",
    ]
    for before, after in zip(found.before, found.after, strict=True):
        if before.n or after.n:
            bounds = f"{100 * before.low:.0f} to {100 * before.high:.0f}"
            lines.append(f"| {bounds} | {_cells(before)} | {_cells(after)} |")
    lines += ["", "| | ECE | Brier | log loss |", "|---|---|---|---|"]
    lines.append(_row(f"{made.signal} as it is", made.before))
    lines.append(_row("calibrated, on answers held out", made.after))
    lines.append(_row(f"{100 * made.right / made.answers:.0f}% for every answer", found.one_for_all))
    lines += ["", f"logit(confidence) = {made.intercept:.2f} + {made.slope:.2f} logit({made.signal})"]
    lines += ["", _verdict(found)]
    return "\n".join(lines)


def _verdict(found: Calibrated) -> str:
    if not found.better:
        return (
            f"Not kept: on answers held out it is no better than the {found.calibration.signal} as it is. "
            "More questions may tell more."
        )
    told = f"Kept in {found.path}; answers under the same settings and models use it."
    if found.calibration.after.brier >= found.one_for_all.brier:
        told += " It does not tell right answers from wrong ones here: one confidence for all would do as well."
    return told


def _cells(part: Bin) -> str:
    if part.confidence is None or part.accuracy is None:
        return "0 | |"
    return f"{part.n} | {100 * part.confidence:.1f} | {100 * part.accuracy:.1f}"


def _row(name: str, quality: Quality) -> str:
    return f"| {name} | {100 * quality.ece:.1f} | {100 * quality.brier:.1f} | {quality.log_loss:.3f} |"
