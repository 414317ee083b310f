"""Does `confidence` know when an answer is wrong? Selective risk against coverage, and calibration.

Both take one confidence in 0..1 and one correctness, 0 or 1, for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a confidence in [low, high), the last bin with 1 as well. Means are None without answers."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def risk_coverage(confidences: Sequence[float], correct: Sequence[float]) -> tuple[float, ...]:
    """The share of wrong answers among the i most confident, for i = 1 … n: the risk at coverage i/n.

    Equal confidences have no order: within a tie the errors are spread evenly, which is the mean over all its orders.
    """
    confidence, wrong = np.asarray(confidences, dtype=float), 1.0 - np.asarray(correct, dtype=float)
    _, tie, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    spread = np.repeat(np.bincount(tie, weights=wrong) / sizes, sizes)
    return tuple((np.cumsum(spread) / np.arange(1, len(spread) + 1)).tolist())


def aurc(confidences: Sequence[float], correct: Sequence[float]) -> float:
    """Area under the risk-coverage curve: the mean of its n risks. Lower is better; chance gives the error rate."""
    risks = risk_coverage(confidences, correct)
    return sum(risks) / len(risks)


def calibration_bins(confidences: Sequence[float], correct: Sequence[float], *, bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability diagram: equal-width bins over 0..1 with their mean confidence and accuracy."""
    confidence, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (confidence, right)]
    found = []
    for i, n in enumerate(counts.tolist()):
        mean_confidence, accuracy = (float(total[i] / n) if n else None for total in sums)
        found.append(Bin(i / bins, (i + 1) / bins, n, mean_confidence, accuracy))
    return tuple(found)


def ece(confidences: Sequence[float], correct: Sequence[float], *, bins: int = BINS) -> float:
    """Expected calibration error: the mean over the answers of |accuracy - confidence| of their bin."""
    return sum(
        part.n * abs(part.accuracy - part.confidence)
        for part in calibration_bins(confidences, correct, bins=bins)
        if part.accuracy is not None and part.confidence is not None
    ) / len(confidences)
