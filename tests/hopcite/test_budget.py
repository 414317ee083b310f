"""The budget: what ends it, what it says then, and how a part of it shares the bill."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_reserved_call_counts_until_it_is_charged_or_given_back() -> None:
    whole = Budget(max_llm_calls=2)
    with whole.reserve() as first, whole.within(60).reserve() as second:
        assert (whole.llm_calls, whole.remaining_calls) == (0, 0)
        with pytest.raises(BudgetExhausted, match=r"2 model calls are spent or under way; raise"):
            whole.check()
        first.check()  # its own call is left to it, also where a part of it asks
        first.within(60).check()
        first.within(60).charge(prompt_tokens=5)
        with pytest.raises(BudgetExhausted):
            first.check()
        second.check()
        assert (whole.llm_calls, whole.remaining_calls) == (1, 0)
    assert (whole.llm_calls, whole.remaining_calls, whole.prompt_tokens) == (1, 1, 5)


def test_calls_reserved_within_a_reservation_are_taken_from_it() -> None:
    whole = Budget(max_llm_calls=5)
    with whole.reserve(3) as part:
        assert (part.remaining_calls, whole.remaining_calls) == (5, 2)
        with part.reserve() as call:
            assert (part.remaining_calls, whole.remaining_calls) == (4, 2)
            call.charge()
        assert (part.remaining_calls, whole.remaining_calls) == (4, 2)
        with part.reserve(3) as more:  # two of its own, and one more
            assert (part.remaining_calls, whole.remaining_calls) == (1, 1)
            more.charge(calls=2)
    assert (whole.llm_calls, whole.remaining_calls) == (3, 2)


def test_more_calls_than_are_left_are_not_reserved() -> None:
    whole = Budget(max_llm_calls=5)
    whole.charge()
    part = whole.within(60, keep_calls=1)
    with (
        pytest.raises(BudgetExhausted, match="4 model calls leave 3 where 4 are needed; raise --max-llm-calls"),
        part.reserve(4),
    ):
        pass
    with part.reserve(3), pytest.raises(BudgetExhausted):
        part.check()
    with pytest.raises(ZeroDivisionError), whole.reserve(4):
        1 / 0  # noqa: B018 # an error gives the calls back
    assert (whole.llm_calls, whole.remaining_calls) == (1, 4)


@given(st.lists(st.tuples(st.sampled_from(["reserve", "charge", "leave"]), st.integers(0, 3)), max_size=30))
def test_what_is_left_never_falls_below_nothing(steps: list[tuple[str, int]]) -> None:
    whole, path = Budget(max_llm_calls=6), ExitStack()
    parts = [whole]
    for step, calls in steps:
        if step == "reserve":
            with suppress(BudgetExhausted):
                parts.append(path.enter_context(parts[calls % len(parts)].reserve(calls)))
        elif step == "charge" and parts[-1].remaining_calls >= calls:
            parts[-1].charge(calls=calls)
        elif step == "leave":
            path.pop_all().close()
            del parts[1:]
            assert whole.remaining_calls == 6 - whole.llm_calls
        assert whole.llm_calls + whole.remaining_calls <= 6
