"""Risk, coverage and calibration, worked out by hand."""

from __future__ import annotations

import pytest

from evals.metrics.abstention import aurc, calibration_bins, ece, risk_coverage


def test_the_risk_is_that_of_the_most_confident() -> None:
    # In order of confidence: right, wrong, right, wrong.
    risks = risk_coverage([0.9, 0.1, 0.7, 0.5], [1, 0, 0, 1])
    assert risks == pytest.approx((0, 1 / 2, 1 / 3, 2 / 4))
    assert aurc([0.9, 0.1, 0.7, 0.5], [1, 0, 0, 1]) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_a_tie_counts_as_the_mean_of_its_orders() -> None:
    # The two of 0.8, one of them wrong: half an error each. Their order in the file must not matter.
    assert risk_coverage([0.8, 0.8, 0.2], [1, 0, 0]) == pytest.approx((0.5, 0.5, 2 / 3))
    assert risk_coverage([0.2, 0.8, 0.8], [0, 0, 1]) == pytest.approx((0.5, 0.5, 2 / 3))


def test_one_confidence_for_all_leaves_the_error_rate() -> None:
    assert aurc([0.5] * 4, [1, 0, 0, 0]) == 0.75


def test_a_perfect_order_has_the_least_area() -> None:
    assert aurc([0.9, 0.8, 0.2], [1, 1, 0]) == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert aurc([0.9, 0.8, 0.2], [0, 1, 1]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_bins_hold_their_lower_edge_and_the_last_one_holds_1() -> None:
    bins = calibration_bins([0.0, 0.1, 0.1, 0.95, 1.0], [0, 1, 0, 1, 1])
    assert [part.n for part in bins] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[1].low, bins[1].high, bins[1].confidence, bins[1].accuracy) == (0.1, 0.2, 0.1, 0.5)
    assert (bins[2].confidence, bins[2].accuracy) == (None, None)
    assert bins[9].confidence == pytest.approx(0.975)


def test_the_calibration_error_is_weighted_by_the_answers_of_a_bin() -> None:
    # [0.1, 0.2): |1/2 - 0.1| for two answers; the last bin: |1 - 0.975| for two; the first: 0 for one.
    assert ece([0.0, 0.1, 0.1, 0.95, 1.0], [0, 1, 0, 1, 1]) == pytest.approx((2 * 0.4 + 2 * 0.025) / 5)
    assert ece([1.0, 1.0], [1, 1]) == 0
    assert ece([1.0, 1.0], [0, 0]) == 1
