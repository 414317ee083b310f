"""Rerankers made of others: fused with the first stage, in a row, over several orders; and the choice by settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.errors import BudgetExhausted, ModelFileError, SettingsError
from hopcite.settings import RerankSettings, Settings
from hopcite.types import Chunk
from retrieval import fused, open_reranker
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.cascade import CascadeReranker
from retrieval.rerank.choice import most_calls
from retrieval.rerank.cross_encoder import CrossEncoderReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.port import Ranking, Reranker, by_score
from retrieval.rerank.shuffled import ShuffledReranker, central_order, turned
from tests.fakes import ScriptedChat
from tests.oracle import OracleChat, passage, passages


def asks(method: str, chat: Chat | None = None) -> ChatReranker:
    return ChatReranker(chat or OracleChat(), CHAT_METHODS[method])


class Amounts:
    """Gives the scores that it was made with."""

    name = "amounts"

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = scores

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        return replace(by_score(self._scores), calls=len(candidates))

    async def aclose(self) -> None: ...


def rank(reranker: Reranker, worths: Sequence[int], budget: Budget | None = None) -> Ranking:
    async def ranked() -> Ranking:
        try:
            return await reranker.rerank("Who?", passages(worths), budget=budget or Budget())
        finally:
            await reranker.aclose()

    return asyncio.run(ranked())


@pytest.mark.parametrize(("weight", "order"), [(0.0, (3, 2, 1, 0)), (1.0, (0, 1, 2, 3)), (0.4, (3, 0, 2, 1))])
def test_fusion_of_places_is_between_the_two_orders(weight: float, order: tuple[int, ...]) -> None:
    # At 0.4 with k = 1: 0 has .4/2 + .6/5 = .32, 1 has .4/3 + .6/4 = .283, 2 has .4/4 + .6/3 = .3, 3 .4/5 + .6/2 = .38.
    ranking = fused(rank(asks("setwise"), [10, 20, 30, 40]), weight=weight, rrf_k=1)
    assert (ranking.order, ranking.places_only) == (order, True)
    assert [ranking.scores[i] for i in order] == sorted(ranking.scores, reverse=True)


def test_fusion_of_amounts_adds_shares_of_the_best_score() -> None:
    # Shares of the reranker: 1/4, 1, 1/2. Of the first stage's places: 1, 11/12, 11/13.
    ranking = fused(rank(Amounts((1.0, 4.0, 2.0)), [10, 20, 30]), weight=0.4, rrf_k=60)
    assert (ranking.order, ranking.places_only, ranking.calls) == ((1, 2, 0), False, 3)
    expected = (0.6 / 4 + 0.4, 0.6 + 0.4 * 11 / 12, 0.6 / 2 + 0.4 * 11 / 13)
    assert ranking.scores == pytest.approx(expected)


def test_fusion_of_amounts_takes_the_first_stages_own_where_they_are_known() -> None:
    # Shares of the reranker: 1/4, 1, 1/2. Of the first stage: 1, 0.4, 0.2.
    ranking = fused(rank(Amounts((1.0, 4.0, 2.0)), [10, 20, 30]), (0.05, 0.02, 0.01), weight=0.5, rrf_k=60)
    assert (ranking.order, ranking.places_only) == ((1, 0, 2), False)
    assert ranking.scores == pytest.approx((0.625, 0.7, 0.35))


def test_scores_of_the_first_stage_that_have_no_shares_are_places() -> None:
    ranking = rank(Amounts((1.0, 4.0, 2.0)), [10, 20, 30])
    places = fused(ranking, weight=0.5, rrf_k=60)
    assert fused(ranking, (0.0, -0.1, -0.2), weight=0.5, rrf_k=60) == places


def test_amounts_that_have_no_shares_are_fused_as_places() -> None:
    ranking = fused(rank(Amounts((-3.0, -1.0, -2.0)), [10, 20, 30]), (3.0, 2.0, 1.0), weight=0.25, rrf_k=60)
    assert (ranking.order, ranking.places_only) == ((1, 2, 0), True)


def test_what_is_no_ranking_is_not_fused() -> None:
    ranking = fused(rank(asks("letters", ScriptedChat([{}])), [1, 2]), weight=0.5, rrf_k=60)
    assert (ranking.valid, ranking.order) == (False, (0, 1))


def test_the_second_method_sees_what_the_first_puts_on_top() -> None:
    chat = OracleChat()
    cascade = CascadeReranker(asks("yes-no"), asks("pairwise-all", chat), passages=3)
    ranking = rank(cascade, [10, 50, 30, 40, 20])
    assert ranking.order == (1, 3, 2, 4, 0)
    assert (chat.calls, ranking.calls, ranking.prompt_tokens) == (6, 5 + 6, 110)
    # Above the first method's order, the second's decides.
    ranking = rank(CascadeReranker(IdentityReranker(), asks("yes-no"), passages=3), [10, 50, 30, 40, 20])
    assert ranking.order == (1, 2, 0, 3, 4)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_a_cascade_of_any_size(n: int) -> None:
    ranking = rank(CascadeReranker(asks("yes-no"), asks("letters"), passages=3), [10 * i for i in range(n)])
    assert ranking.order == tuple(reversed(range(n)))


def test_half_a_cascade_is_still_a_ranking() -> None:
    ranking = rank(CascadeReranker(asks("letters", ScriptedChat([{}])), asks("yes-no"), passages=2), [1, 2, 3])
    assert (ranking.valid, ranking.order) == (True, (1, 0, 2))
    assert "no ranking" in ranking.notes[0]


def test_a_budget_for_the_first_method_alone_gives_its_ranking() -> None:
    cascade = CascadeReranker(asks("letters"), asks("pairwise-all"), passages=3)
    ranking = rank(cascade, [10, 40, 20, 30], Budget(max_llm_calls=1))
    assert (ranking.valid, ranking.order, ranking.calls) == (True, (1, 3, 2, 0), 1)
    assert "pairwise-all:oracle did not run" in ranking.notes[-1]


def test_shuffles_agree_with_a_method_that_knows() -> None:
    chat = OracleChat()
    ranking = rank(ShuffledReranker(asks("letters", chat), times=3), [10, 40, 20, 30])
    assert (ranking.order, ranking.calls, ranking.valid) == ((1, 3, 2, 0), 3, True)
    assert len(set(chat.prompts)) == 3


def test_a_short_list_has_fewer_orders_than_shuffles() -> None:
    class Upper(OracleChat):
        async def label_logprobs(self, messages: Any, labels: Sequence[str], *, budget: Budget) -> dict[str, float]:
            await super().label_logprobs(messages, labels, budget=budget)
            return {"A": -0.1, "B": -1.0}

    # Both orders of two have a vote: a model that always takes the first place decides nothing.
    ranking = rank(ShuffledReranker(asks("letters", Upper()), times=5), [10, 20])
    assert (ranking.order, ranking.calls) == ((0, 1), 2)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 19, 20, 21])
def test_shuffles_of_any_size(n: int) -> None:
    ranking = rank(ShuffledReranker(asks("yes-no"), times=3), [4 * i for i in range(n)])
    assert (ranking.order, ranking.valid) == (tuple(reversed(range(n))), True)


def test_a_method_that_likes_a_place_is_evened_out() -> None:
    class FirstPlace(OracleChat):
        async def label_logprobs(self, messages: Any, labels: Sequence[str], *, budget: Budget) -> dict[str, float]:
            found = await super().label_logprobs(messages, labels, budget=budget)
            return {**found, "A": 0.0}

    worths = [10, 20, 30, 40, 50]
    assert rank(asks("letters", FirstPlace()), worths).order[0] == 0
    assert rank(ShuffledReranker(asks("letters", FirstPlace()), times=5), worths).order == (4, 3, 2, 1, 0)


def test_without_a_valid_ranking_shuffles_are_none() -> None:
    ranking = rank(ShuffledReranker(asks("letters", ScriptedChat([{}, {}])), times=2), [1, 2])
    assert (ranking.valid, ranking.order, ranking.calls) == (False, (0, 1), 2)


def test_shuffles_at_once_keep_to_the_budget() -> None:
    class Slow(OracleChat):
        async def label_logprobs(self, messages: Any, labels: Sequence[str], *, budget: Budget) -> dict[str, float]:
            with budget.reserve() as call:
                await asyncio.sleep(0.01)
                return await super().label_logprobs(messages, labels, budget=call)

    chat, whole = Slow(), Budget(max_llm_calls=4)
    part = whole.within(60, keep_calls=1)
    with pytest.raises(BudgetExhausted):
        rank(ShuffledReranker(asks("letters", chat), times=5), [10, 40, 20, 30], part)
    assert (chat.calls, whole.llm_calls, whole.remaining_calls) == (0, 0, 4)
    assert rank(ShuffledReranker(asks("letters", chat), times=3), [10, 40, 20, 30], part).valid
    whole.check()


def test_orders_are_spread_over_the_places() -> None:
    assert turned([3, 1, 0, 2], 2) == [[3, 1, 0, 2], [0, 2, 3, 1]]
    assert turned([3, 1, 0, 2], 0) == []
    assert {order.index(1) for order in turned([3, 1, 0, 2], 4)} == {0, 1, 2, 3}


def test_a_majority_decides_between_neighbours() -> None:
    assert central_order([[0, 1, 2], [0, 1, 2], [2, 1, 0]]) == [0, 1, 2]
    assert central_order([[2, 0, 1], [2, 1, 0], [0, 2, 1]]) == [2, 0, 1]
    # The sums of places, 3 and 2, put 1 first; two of three rankings have 0 before 1.
    assert central_order([[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 0]])[0] == 0


@given(st.lists(st.permutations(range(6)), min_size=1, max_size=7))
def test_the_middle_of_rankings_keeps_every_majority_between_neighbours(orders: list[list[int]]) -> None:
    middle = central_order(orders)
    assert sorted(middle) == list(range(6))
    for upper, lower in pairwise(middle):
        assert 2 * sum(order.index(lower) < order.index(upper) for order in orders) <= len(orders)


class Lengths:
    """A pair scorer for which the longest passage is best."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [float(len(text)) for _, text in pairs]

    def count_tokens(self, pairs: Sequence[tuple[str, str]]) -> int:
        return sum(len(query) + len(text) for query, text in pairs)

    def first_tokens(self, text: str, limit: int) -> str:
        return text[:limit]


def test_a_cross_encoder_ranks_by_its_scores_in_one_call() -> None:
    reranker = CrossEncoderReranker(Lengths, name="lengths")
    candidates = [passage("x" * (i % 19), i) for i in range(18)]
    budget = Budget()
    ranking = asyncio.run(reranker.rerank("Who?", candidates, budget=budget))
    assert ranking.order[0] == 17
    assert (ranking.calls, budget.llm_calls, ranking.prompt_tokens) == (1, 1, budget.prompt_tokens)
    asyncio.run(reranker.aclose())


def test_a_cross_encoder_reads_no_more_of_a_passage_than_its_limit() -> None:
    reranker = CrossEncoderReranker(Lengths, name="lengths", passage_tokens=20)
    candidates = [passage(text, number) for number, text in enumerate(["x", "x" * 99, "x" * 9])]
    ranking = asyncio.run(reranker.rerank("Who?", candidates, budget=Budget()))
    assert ranking.scores == (len("T0\nx"), 20, len("T2\n") + 9)


def test_a_cross_encoder_that_is_not_here_is_an_error(tmp_path: Any) -> None:
    settings = Settings(rerank=RerankSettings(method="cross-encoder", model=str(tmp_path)))
    with pytest.raises(ModelFileError, match=r"rerank\.model"):
        rank(open_reranker(settings, OracleChat()), [1, 2])


def test_a_cross_encoder_keeps_to_the_deadline() -> None:
    with pytest.raises(BudgetExhausted):
        rank(CrossEncoderReranker(Lengths, name="lengths"), [1, 2], Budget(deadline_s=0))


def opened(**rerank_settings: Any) -> Reranker:
    return open_reranker(Settings(rerank=RerankSettings(**rerank_settings)), OracleChat())


@pytest.mark.parametrize("method", CHAT_METHODS)
def test_every_method_opens_by_its_name(method: str) -> None:
    reranker = opened(method=method)
    assert reranker.name == f"{method}:oracle"
    assert rank(reranker, [10, 20]).order == (1, 0)


def test_wrappers_are_settings() -> None:
    reranker = opened(method="letters", shuffles=3, then="pairwise-all", then_passages=2)
    assert reranker.name == "letters:oracle+shuffled:3+then:pairwise-all:oracle:2"
    assert rank(reranker, [10, 20, 30]).calls == 3 + 2


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"method": "attention", "engine": "chat"}, "'attention' runs on the engine 'in-process'"),
        ({"method": "listwise", "engine": "in-process"}, "choose one of yes-no, grades, pairwise-all"),
        ({"method": "letters", "engine": "in-process", "model": "BAAI/bge-reranker-v2-m3"}, "is a cross-encoder"),
        ({"method": "letters", "then": "attention", "engine": "chat"}, "attention"),
        ({"method": "cross-encoder"}, "no cross-encoder"),
        ({"method": "cross-encoder", "model": "Qwen/Qwen3-Reranker-0.6B"}, "no cross-encoder"),
        ({"method": "letters", "then": "attention", "model": "no-such"}, "no-such"),
        ({"method": "none", "shuffles": 2}, r"rerank\.shuffles"),
    ],
)
def test_an_impossible_choice_is_refused_before_any_work(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        opened(**chosen)


def test_the_most_calls_of_a_question_are_known() -> None:
    assert most_calls(RerankSettings(method="none")) == most_calls(RerankSettings(passages=1)) == 0
    assert most_calls(RerankSettings()) == 1  # attention asks no chat, and its prompt is a call all the same
    assert most_calls(RerankSettings(passages=50, shuffles=2, then="cross-encoder")) == 2 * 3 + 1
    assert most_calls(RerankSettings(method="yes-no", passages=7)) == 7
    assert most_calls(RerankSettings(method="letters", passages=30, shuffles=2, then="pairwise-all")) == 2 * 2 + 20
