"""Paired differences with values by formula."""

from __future__ import annotations

import numpy as np
import pytest

from evals.paired import differences, resampled_means, sign_test, verdict


def columns(*values: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(values, dtype=float).T


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 5, 2 / 32),
        (1, 6, 2 * (1 + 7) / 128),
        (6, 1, 2 * (1 + 7) / 128),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
    ],
)
def test_the_sign_test_is_the_binomial_one(one: int, other: int, p: float) -> None:
    assert sign_test(one, other) == pytest.approx(p, rel=1e-12)


def test_the_sign_test_of_thousands_neither_overflows_nor_takes_long() -> None:
    # Three standard deviations: 2500 ± 3 * 25 of 5000, continuity-corrected normal: about 0.0029.
    assert sign_test(2500 - 106, 2500 + 106) == pytest.approx(0.0028, abs=0.0003)
    assert sign_test(0, 5000) == 0.0


def test_the_interval_is_that_of_the_mean_difference() -> None:
    # 100 pairs, B ahead by 1 on half of them: the standard error of the mean difference is 0.05.
    [found] = differences(columns([0.0] * 100), columns([0.0, 1.0] * 50))
    assert (found.mean_a, found.mean_b, found.difference, found.n) == (0.0, 0.5, 0.5, 100)
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert (found.b_higher, found.a_higher, found.verdict, found.test) == (50, 0, "B better", "McNemar, exact")


def test_pairs_are_kept_together() -> None:
    # A varies wildly and B is always 0.1 above it: unpaired, the interval would hold 0.
    a = [0.0, 0.9] * 20
    [found] = differences(columns(a), columns([value + 0.1 for value in a]))
    assert [found.low, found.high] == pytest.approx([0.1, 0.1])
    assert (found.verdict, found.test) == ("B better", "sign test, exact")


def test_every_column_is_resampled_over_the_same_questions() -> None:
    values = columns([0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0])
    means = resampled_means(values, resamples=50)
    assert means.shape == (50, 2)
    assert np.allclose(means.sum(axis=1), 1.0)
    assert np.array_equal(means, resampled_means(values, resamples=50)), "the same every time"


def test_slices_make_no_difference_to_what_a_resample_is() -> None:
    means = resampled_means(np.ones((3000, 1)), resamples=1500)  # more than one slice
    assert means.shape == (1500, 1)
    assert np.all(means == 1.0)


@pytest.mark.parametrize(
    ("low", "high", "changed", "told"),
    [
        (0.1, 0.3, 6, "B better"),
        (-0.3, -0.1, 6, "A better"),
        (-0.1, 0.3, 60, "no difference shown"),
        (0.0, 0.3, 60, "no difference shown"),
        (0.1, 0.3, 5, "no difference shown"),
    ],
)
def test_a_verdict_needs_an_interval_without_0_and_six_questions_that_differ(
    low: float, high: float, changed: int, told: str
) -> None:
    assert verdict(low, high, changed) == told


def test_of_a_harm_less_is_better() -> None:
    # Ten of twenty attacks succeed in A and none in B; beside it, the same figures of a share of right answers.
    a = [1.0] * 10 + [0.0] * 10
    harm, share = differences(columns(a, a), columns([0.0] * 20, [0.0] * 20), harms={0})
    assert harm.difference == share.difference == -0.5
    assert (harm.verdict, share.verdict) == ("B better", "A better")


def test_equal_runs_show_no_difference() -> None:
    [found] = differences(columns([1.0, 0.0, 1.0]), columns([1.0, 0.0, 1.0]))
    assert (found.low, found.high, found.p, found.verdict) == (0.0, 0.0, 1.0, "no difference shown")
