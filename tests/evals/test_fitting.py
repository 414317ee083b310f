"""Platt scaling against scalings that are known, and figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.fitting import Scaling, fit, held_out, quality


def drawn(scaling: Scaling, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values, and outcomes that have the chances that the scaling gives them."""
    draw = np.random.default_rng(5)
    values = draw.uniform(0.02, 0.98, n)
    return values, (draw.random(n) < scaling.of(values)).astype(float)


@pytest.mark.parametrize("known", [Scaling(0.0, 1.0), Scaling(-1.0, 0.5), Scaling(0.7, 2.0)])
def test_a_known_scaling_is_found_again(known: Scaling) -> None:
    found = fit(*drawn(known, 20_000))
    assert found.intercept == pytest.approx(known.intercept, abs=0.08)
    assert found.slope == pytest.approx(known.slope, abs=0.08)


def test_the_fit_is_where_the_posterior_is_flat() -> None:
    values, right = drawn(Scaling(-0.5, 0.6), 40)
    found = fit(values, right)
    logits = np.log(values / (1 - values))
    errors = found.of(values) - right
    # The prior pulls the slope to 1 by one over its variance, 0.5 squared; nothing pulls the mean confidence.
    assert errors.sum() == pytest.approx(0, abs=1e-3)
    assert errors @ logits + 4 * (found.slope - 1) == pytest.approx(0, abs=1e-2)


def test_a_signal_that_misleads_says_nothing() -> None:
    values = np.array([0.9] * 30 + [0.1] * 30)
    right = np.array([0.0] * 20 + [1.0] * 10 + [1.0] * 20 + [0.0] * 10)
    found = fit(values, right)
    assert found.slope == 0
    assert found.of(values) == pytest.approx(np.full(60, 0.5), abs=1e-3)


def test_few_answers_change_little() -> None:
    values, right = np.array([0.6, 0.7, 0.6, 0.7] * 3), np.array([1.0, 0.0, 0.0, 1.0] * 3)
    assert fit(values, right).slope == pytest.approx(1, abs=0.2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60))
def test_whatever_the_values_confidences_are_chances_in_the_same_order(answers: list[tuple[float, bool]]) -> None:
    values = np.array([value for value, _ in answers])
    right = np.array([float(sign) for _, sign in answers])
    right[0], right[1] = 0.0, 1.0
    found = fit(values, right).of(np.sort(values))
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found) >= 0)


def test_held_out_confidences_do_not_know_their_own_outcome() -> None:
    values, right = np.full(20, 0.5), np.array([0.0, 1.0] * 10)
    found = held_out(values, right)
    assert found == pytest.approx(np.full(20, 0.5), abs=1e-3), "stratified: every fold leaves as many right as wrong"
    values, right = drawn(Scaling(0.0, 1.0), 30)
    changed = np.concatenate([1 - right[:1], right[1:]])
    assert held_out(values, right)[0] != fit(values, right).of(values)[0]
    assert np.array_equal(held_out(values, right), held_out(values, right)), "the same every time"
    assert not np.array_equal(held_out(values, right)[1:], held_out(values, changed)[1:])


def test_quality_by_hand() -> None:
    found = quality(np.array([0.95, 0.95, 0.15, 1.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    # Bins: 0.9 to 1 holds three, said (0.95 + 0.95 + 1) / 3, right 1/3; 0.1 to 0.2 holds one, said 0.15, right 0.
    assert found.ece == pytest.approx((3 * abs(2.9 / 3 - 1 / 3) + 0.15) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.95**2 + 0.15**2 + 1) / 4)
    losses = [math.log(0.95), math.log(0.05), math.log(0.85), math.log(0.001)]
    assert found.log_loss == pytest.approx(-sum(losses) / 4)
