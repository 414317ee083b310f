"""Platt scaling: the two numbers that make a confidence honest, and how well they do on answers held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.calibration import Quality, logit, platt
from evals.metrics.abstention import ece

_FOLDS = 5
_REPEATS = 20
_SEED = 20250700355
# A sure confidence that is wrong would cost an infinite log loss.
_SURE = 1e-3
# Of the prior: as far as a slope of 0.5 or 1.5 is no surprise (docs/decisions.md, "Confidence").
_SLOPE_DEVIATION = 0.5
Floats = NDArray[np.float64]


class Scaling(NamedTuple):
    """Confidence is 1 / (1 + exp(-(intercept + slope * logit(value))))."""

    intercept: float
    slope: float

    def of(self, values: Floats) -> Floats:
        """The confidences of these values."""
        return np.array([platt(value, intercept=self.intercept, slope=self.slope) for value in values])


def fit(values: Floats, right: Floats) -> Scaling:
    """Values in 0..1 and outcomes, 0 or 1 with both among them, to the likeliest scaling.

    A normal prior holds the slope near 1, so that few answers change little. The slope is never negative: more speaks
    for an answer, or for nothing.
    """
    from scipy.optimize import minimize

    logits = np.array([logit(value) for value in values])
    mean = float(logits.mean())
    signs = 2 * right - 1

    def loss(parameters: Floats) -> tuple[float, Floats]:
        """Negative log posterior, and its gradient, by the confidence at the mean and the slope."""
        level, slope = parameters
        margins = signs * (level + slope * (logits - mean))
        pull = (slope - 1) / _SLOPE_DEVIATION**2
        errors = -signs / (1 + np.exp(margins))
        gradient = np.array([errors.sum(), errors @ (logits - mean) + pull])
        return float(np.logaddexp(0, -margins).sum() + pull * (slope - 1) / 2), gradient

    found = minimize(loss, np.array([0.0, 1.0]), jac=True, bounds=[(None, None), (0, None)], method="L-BFGS-B")
    level, slope = (float(value) for value in found.x)
    return Scaling(level - slope * mean, slope)


def held_out(values: Floats, right: Floats) -> Floats:
    """Each answer's confidence by scalings that were fitted without it: the mean over 20 stratified 5-fold splits."""
    draw = np.random.default_rng(_SEED)
    total = np.zeros(len(values))
    for _ in range(_REPEATS):
        # The wrong ones, then the right ones, each in a drawn order, dealt out in turn: every fold gets its share.
        folds = np.empty(len(values), dtype=int)
        folds[np.lexsort((draw.random(len(values)), right))] = np.arange(len(values)) % _FOLDS
        for fold in range(_FOLDS):
            out = folds == fold
            total[out] += fit(values[~out], right[~out]).of(values[out])
    return total / _REPEATS


def quality(confidences: Floats, right: Floats) -> Quality:
    """ECE over 10 bins of equal width, Brier score, and log loss with confidences kept off 0 and 1 by 0.001."""
    inside = np.clip(confidences, _SURE, 1 - _SURE)
    return Quality(
        ece=ece(confidences.tolist(), right.tolist()),
        brier=float(np.mean((confidences - right) ** 2)),
        log_loss=float(-np.mean(np.where(right == 1, np.log(inside), np.log(1 - inside)))),
    )
