"""The budget: what ends it, what it says then, and how a part of it shares the bill."""

from __future__ import annotations

import time

import pytest

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted


def test_without_ceilings_nothing_ends() -> None:
    budget = Budget()
    budget.charge(calls=1000, prompt_tokens=10**9)
    budget.check()
    assert budget.remaining_s == budget.remaining_calls == float("inf")


def test_calls_run_out() -> None:
    budget = Budget(max_llm_calls=2)
    budget.charge()
    budget.check()
    assert budget.remaining_calls == 1
    budget.charge()
    with pytest.raises(BudgetExhausted, match=r"2 model calls are spent; raise --max-llm-calls"):
        budget.check()


def test_prompt_and_reply_tokens_count_together() -> None:
    budget = Budget(max_tokens=100)
    budget.charge(prompt_tokens=60, completion_tokens=39)
    budget.check()
    budget.charge(calls=0, completion_tokens=1)
    with pytest.raises(BudgetExhausted, match=r"100 tokens are spent"):
        budget.check()
    assert (budget.llm_calls, budget.prompt_tokens, budget.completion_tokens) == (1, 60, 40)


def test_the_deadline_passes() -> None:
    budget = Budget(deadline_s=0.02)
    budget.check()
    assert 0 < budget.remaining_s <= 0.02
    time.sleep(0.03)
    assert budget.elapsed_s >= 0.03
    assert budget.remaining_s == 0
    with pytest.raises(BudgetExhausted, match=r"0\.02 seconds are spent; raise --deadline"):
        budget.check()


def test_a_part_ends_at_its_own_time_or_with_the_whole() -> None:
    whole = Budget(deadline_s=10)
    assert whole.within(2).remaining_s <= 2
    assert whole.within(60).remaining_s <= 10
    assert whole.within(float("inf")).remaining_s <= 10
    assert Budget().within(float("inf")).remaining_s == float("inf")


def test_a_part_keeps_calls_for_later() -> None:
    whole = Budget(max_llm_calls=3)
    part = whole.within(60, keep_calls=1)
    part.charge(calls=2)
    with pytest.raises(BudgetExhausted):
        part.check()
    whole.check()
    assert Budget().within(60, keep_calls=1).remaining_calls == float("inf")


def test_a_part_charges_the_whole_and_starts_from_its_bill() -> None:
    whole = Budget(max_llm_calls=3, max_tokens=100)
    whole.charge(prompt_tokens=10)
    part = whole.within(60)
    assert part.remaining_calls == 2
    part.within(60).charge(calls=2, prompt_tokens=20, completion_tokens=5)
    assert (whole.llm_calls, whole.prompt_tokens, whole.completion_tokens) == (3, 30, 5)
    assert part.llm_calls == 3
    with pytest.raises(BudgetExhausted):
        part.check()


def test_a_part_notices_what_the_whole_spent_since() -> None:
    whole = Budget(max_llm_calls=1)
    part = whole.within(60)
    whole.charge()
    with pytest.raises(BudgetExhausted, match=r"1 model calls"):
        part.check()


def test_a_part_that_ran_out_of_time_leaves_the_whole_running() -> None:
    whole = Budget(deadline_s=60)
    part = whole.within(0)
    with pytest.raises(BudgetExhausted):
        part.check()
    whole.check()


def test_a_reply_out_of_a_cache_takes_the_time_that_it_took_when_it_was_made() -> None:
    whole = Budget(deadline_s=60)
    whole.within(30).charge(saved_s=59.5)
    assert 59.5 <= whole.elapsed_s < 60
    whole.charge(calls=0, saved_s=1)
    assert whole.remaining_s == 0
