"""Two systems on the same questions: how much they differ, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 20250700355
_SLICE = 2_000_000
"""Indices drawn at once: what bounds the memory."""
_FEWEST_CHANGED = 6
"""Five questions that all go one way still have p = 2 / 2**5 = 0.06 by the sign test."""

Verdict = Literal["A better", "B better", "no difference shown"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A over the `n` questions for which both are known, with its 95% interval."""

    n: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    b_higher: int
    """Questions on which B has the higher score; the rest but `a_higher` are equal."""
    a_higher: int
    test: Literal["McNemar, exact", "sign test, exact"]
    p: float
    """Two-sided, of the test over the questions that differ. Not adjusted for the number of measures looked at."""
    verdict: Verdict


def differences(a: Floats, b: Floats, *, harms: Collection[int] = ()) -> list[Difference]:
    """One for each column; a row is a question, and no value is missing. Of columns in `harms` less is better."""
    changes = b - a
    low, high = np.percentile(resampled_means(changes), [2.5, 97.5], axis=0)
    return [
        _difference(a[:, column], b[:, column], float(low[column]), float(high[column]), harm=column in harms)
        for column in range(a.shape[1])
    ]


def resampled_means(values: Floats, *, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """The means of the columns in resamples of the rows, drawn with replacement: all columns over the same rows."""
    n, rng = len(values), np.random.default_rng(seed)
    step = max(1, _SLICE // n)
    means = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, n, size=(rows, n), dtype=np.int32)
        # How often each question was drawn says as much as the draw, and makes every column one product.
        flat = (drawn + np.arange(rows, dtype=np.int64)[:, None] * n).ravel()
        times = np.bincount(flat, minlength=rows * n).reshape(rows, n)
        means.append(times @ values / n)
    return np.concatenate(means)


def sign_test(one: int, other: int) -> float:
    """Two-sided p of a fair coin that falls on one side `one` times and on the other `other` times: exact."""
    tosses = one + other
    if tosses == 0:
        return 1.0
    tail = sum(math.comb(tosses, heads) for heads in range(min(one, other) + 1))
    # Integers of any size: their quotient is exact to the last bit where a product of floats would be 0.
    return min(1.0, 2 * tail / (1 << tosses))


def verdict(low: float, high: float, changed: int, *, harm: bool = False) -> Verdict:
    """By the interval. Too few questions that differ show nothing: their bootstrap is narrower than what is known.

    Of a harm the lower score is the better one.
    """
    if changed < _FEWEST_CHANGED or low <= 0 <= high:
        return "no difference shown"
    return "B better" if (low > 0) is not harm else "A better"


def _difference(a: Floats, b: Floats, low: float, high: float, *, harm: bool) -> Difference:
    b_higher, a_higher = int((b > a).sum()), int((a > b).sum())
    return Difference(
        n=len(a),
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=float((b - a).mean()),
        low=low,
        high=high,
        b_higher=b_higher,
        a_higher=a_higher,
        test="McNemar, exact" if _is_binary(a) and _is_binary(b) else "sign test, exact",
        p=sign_test(b_higher, a_higher),
        verdict=verdict(low, high, b_higher + a_higher, harm=harm),
    )


def _is_binary(values: Sequence[float] | Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())
