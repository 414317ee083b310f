from __future__ import annotations

import pytest

from retrieval import reciprocal_rank_fusion


def test_scores_follow_the_formula() -> None:
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]], k=60)
    assert [item for item, _ in fused] == ["b", "a", "c"]
    assert dict(fused) == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_weights_multiply_a_ranking() -> None:
    fused = dict(reciprocal_rank_fusion([["a"], ["b"]], k=10, weights=[1.0, 3.0]))
    assert fused == {"a": pytest.approx(1 / 11), "b": pytest.approx(3 / 11)}


def test_a_repeated_item_counts_once_at_its_first_place() -> None:
    assert dict(reciprocal_rank_fusion([["a", "a", "b"]], k=1)) == pytest.approx({"a": 1 / 2, "b": 1 / 3})


def test_ties_keep_the_order_of_appearance() -> None:
    assert [item for item, _ in reciprocal_rank_fusion([["x"], ["a"]], k=60)] == ["x", "a"]


def test_nothing_gives_nothing() -> None:
    assert reciprocal_rank_fusion([], k=60) == []


def test_a_weight_for_each_ranking() -> None:
    with pytest.raises(ValueError):
        reciprocal_rank_fusion([["a"], ["b"]], k=60, weights=[1.0])
