"""Listwise ranking by the letters' probabilities."""

from __future__ import annotations

import asyncio

import pytest

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.types import Chunk
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.letters import Letters
from retrieval.rerank.port import Ranking
from retrieval.rerank.windows import window_starts
from tests.fakes import ScriptedChat


def chunks(n: int) -> list[Chunk]:
    return [Chunk(str(i), str(i), f"T{i}", "s", f"text {i}", 0, 6, 0) for i in range(n)]


def rank(chat: ScriptedChat, n: int, budget: Budget | None = None) -> Ranking:
    return asyncio.run(ChatReranker(chat, Letters()).rerank("Who?", chunks(n), budget=budget or Budget()))


def test_the_likeliest_letter_comes_first() -> None:
    ranking = rank(ScriptedChat([{"A": -3.0, "B": -0.1, "C": -2.0}], model="castorini/first_mistral"), 3)
    assert ranking.order == (1, 2, 0)
    assert ranking.scores == (1.0, 3.0, 2.0)
    assert (ranking.valid, ranking.notes) == (True, ())
    assert (ranking.calls, ranking.prompt_tokens, ranking.completion_tokens) == (1, 10, 5)


def test_passages_without_a_letter_stay_below_in_order_and_are_counted() -> None:
    ranking = rank(ScriptedChat([{"D": -0.1, "B": -1.0}]), 4)
    assert ranking.order == (3, 1, 0, 2)
    assert ranking.valid
    assert ranking.notes == (
        "2 of 4 letters are not reported; their passages keep their order",
        "scripted was not trained for the method letters",
    )


@pytest.mark.parametrize("found", [{}, {"A": -1.0}, {"A": -1.0, "B": -1.0, "C": -1.0}])
def test_no_or_equal_probabilities_are_no_ranking(found: dict[str, float]) -> None:
    ranking = rank(ScriptedChat([found]), 3)
    assert ranking.order == (0, 1, 2)
    assert not ranking.valid
    assert "no ranking" in ranking.notes[0]


def test_a_long_list_is_ranked_from_its_end_and_the_best_climbs() -> None:
    # 25 passages: the window over places 5 to 24 first, then places 0 to 19.
    assert window_starts(25) == [5, 0]
    last_first = {"T": -0.1, "A": -1.0}  # T: place 24; it moves to place 5, which is F in the second window
    chat = ScriptedChat([last_first, {"F": -0.1, "A": -1.0}])
    ranking = rank(chat, 25)
    assert ranking.order[:2] == (24, 0)
    assert ranking.calls == 2
    assert "[T] T24" in chat.requests[0][1]["content"]


@pytest.mark.parametrize("nothing", [{}, {"C": -0.1}, {"A": -1.0, "B": -1.0}])
def test_a_window_that_says_nothing_keeps_its_order_and_the_others_count(nothing: dict[str, float]) -> None:
    ranking = rank(ScriptedChat([nothing, {"F": -0.1, "C": -1.0}]), 25)
    assert ranking.valid
    assert ranking.order == (5, 2, 0, 1, 3, 4, *range(6, 25))
    ranking = rank(ScriptedChat([{"T": -0.1, "A": -1.0}, nothing]), 25)
    assert ranking.valid
    assert ranking.order == (0, 1, 2, 3, 4, 24, *range(5, 24))
    assert not rank(ScriptedChat([nothing, nothing]), 25).valid


def test_one_or_no_passage_costs_nothing() -> None:
    assert rank(ScriptedChat([]), 1).order == (0,)
    assert rank(ScriptedChat([]), 0).order == ()


def test_a_spent_budget_stops_before_the_call() -> None:
    with pytest.raises(BudgetExhausted):
        rank(ScriptedChat([]), 3, Budget(max_llm_calls=0))


def test_identity_keeps_the_order() -> None:
    ranking = asyncio.run(IdentityReranker().rerank("Who?", chunks(3), budget=Budget()))
    assert (ranking.order, ranking.scores, ranking.calls) == ((0, 1, 2), (3.0, 2.0, 1.0), 0)
