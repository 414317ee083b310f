"""Every method that asks a chat model: the true order comes back, at the published cost, and garbage breaks nothing."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.settings import RerankMethod
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.port import Ranking
from tests.oracle import GarbageChat, OracleChat, passage, passages

METHODS = list(CHAT_METHODS)
IN_PROCESS = ["attention", "query-likelihood", "e2rank", "late-interaction", "cross-encoder", "qwen3-reranker"]
UNTRAINED = ["letters", "full-ranking", "groups", "elimination", "rank-r1", "reason-rank", "erank"]
SIZES = range(46)
BORDERS = [2, 3, 10, 11, 19, 20, 21, 29, 30, 31, 40, 41, 45]


def ranked(method: str, worths: list[int], *, budget: Budget | None = None, chat: OracleChat | None = None) -> Ranking:
    reranker = ChatReranker(chat or OracleChat(), CHAT_METHODS[method])
    return asyncio.run(reranker.rerank("Who?", passages(worths), budget=budget or Budget()))


def shuffled(n: int) -> list[int]:
    worths = [4 * i for i in range(1, n + 1)]
    random.Random(n).shuffle(worths)
    return worths


def in_true_order(worths: list[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(worths)), key=lambda i: -worths[i]))


def is_permutation(ranking: Ranking, n: int) -> bool:
    falling = [ranking.scores[i] for i in ranking.order]
    return sorted(ranking.order) == list(range(n)) and falling == sorted(falling, reverse=True) and len(falling) == n


def test_every_name_of_the_setting_is_a_method() -> None:
    assert {*METHODS, *IN_PROCESS, "none"} == set(get_args(RerankMethod))


@pytest.mark.parametrize("method", get_args(RerankMethod))
def test_every_method_is_in_the_documentation(method: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reranking.md").read_text(encoding="utf-8")
    assert f"| `{method}` |" in page


def test_the_documented_calls_for_twenty_passages() -> None:
    most = {name: method.most_calls(20) for name, method in CHAT_METHODS.items()}
    assert (most["setwise"], most["pairwise-heap"], most["pairwise-sliding"]) == (34, 196, 380)
    assert (most["rank-r1"], most["reason-rank"], most["erank"]) == (10, 1, 20)


@pytest.mark.parametrize("method", METHODS)
def test_every_size_gives_a_permutation_for_no_more_than_its_calls(method: str) -> None:
    for n in SIZES:
        chat = OracleChat()
        ranking = ranked(method, shuffled(n), chat=chat)
        assert is_permutation(ranking, n)
        assert ranking.valid
        untrained = n > 1 and method in UNTRAINED
        assert ranking.notes == ((f"oracle was not trained for the method {method}",) if untrained else ())
        assert ranking.calls == chat.calls <= (CHAT_METHODS[method].most_calls(n) if n > 1 else 0)
        assert (ranking.prompt_tokens, ranking.completion_tokens) == (10 * chat.calls, chat.calls)


# Places, from the first, that are in the true order whatever the input order was.
EXACT: dict[str, Callable[[int], int]] = {
    "yes-no": lambda n: n,
    "grades": lambda n: n,
    "pairwise-all": lambda n: n,
    "full-ranking": lambda n: n,
    "groups": lambda n: n,
    "pairwise-heap": lambda n: min(n, 10),
    "pairwise-sliding": lambda n: min(n, 10),
    "setwise": lambda n: min(n, 10),
    "listwise": lambda n: n if n <= 20 else 10,
    "letters": lambda n: n if n <= 20 else 10,
    "elimination": lambda n: n if n <= 20 else 19,
    "rank-r1": lambda n: min(n, 10),
    "reason-rank": lambda n: n if n <= 20 else 10,
    "erank": lambda n: n if n <= 10 else 0,  # more have the highest grade
}


@pytest.mark.parametrize("method", EXACT)
def test_a_model_that_knows_the_order_is_believed(method: str) -> None:
    for n in SIZES:
        worths = shuffled(n)
        exact = EXACT[method](n)
        assert ranked(method, worths).order[:exact] == in_true_order(worths)[:exact], n


def test_a_tournament_puts_the_two_finalists_first() -> None:
    for n in SIZES:
        worths = shuffled(n)
        order = ranked("tournament", worths).order
        # Points come in levels: 2, 5, 10 and 20 survive the stages. With one group a stage the levels are exact.
        assert set(order[:2]) == set(in_true_order(worths)[:2])
        if n <= 20:
            assert {*order[:5]} == {*in_true_order(worths)[:5]}


CALLS: dict[str, Callable[[int], int]] = {
    "yes-no": lambda n: n,
    "grades": lambda n: n,
    "pairwise-all": lambda n: n * (n - 1),
    "listwise": lambda n: 1 + math.ceil(max(0, n - 20) / 10),
    "letters": lambda n: 1 + math.ceil(max(0, n - 20) / 10),
    "full-ranking": lambda n: 1,
    "groups": lambda n: 2 * math.ceil(n / 20),
    "elimination": lambda n: n - 1,
    "reason-rank": lambda n: 1 + math.ceil(max(0, n - 20) / 10),
    "erank": lambda n: n,
}


@pytest.mark.parametrize("method", CALLS)
def test_calls_are_those_of_the_paper(method: str) -> None:
    for n in SIZES[2:]:
        assert ranked(method, shuffled(n)).calls == CALLS[method](n), n


@pytest.mark.parametrize(
    ("method", "n", "calls"),
    [
        ("tournament", 100, 26),  # the paper's 13, for two tournaments
        ("tournament", 20, 6),  # 20 to 10 to 5 to 2
        ("tournament", 2, 0 + 2),  # the winner of two, one call a tournament
        ("listwise", 100, 9),
        ("letters", 100, 9),
        ("pairwise-sliding", 2, 2),
        ("setwise", 4, 3),  # one to build, then the best of 3 and of 2
        ("rank-r1", 4, 3),
        ("rank-r1", 20, 10),  # one for each of the best ten
    ],
)
def test_calls_of_known_cases(method: str, n: int, calls: int) -> None:
    assert ranked(method, [200 - i for i in range(n)]).calls == calls


def test_sliding_asks_each_pair_of_neighbours_once_when_the_order_is_right_already() -> None:
    assert ranked("pairwise-sliding", [40, 30, 20, 10]).calls == 2 * 3
    # From the worst order of 4, one pass after the other: 3 + 2 + 1 pairs are new.
    assert ranked("pairwise-sliding", [10, 20, 30, 40]).calls == 2 * 6


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15)
@given(
    n=st.one_of(st.sampled_from(BORDERS), st.integers(0, 45)),
    seed=st.integers(0, 2**32),
    texts=st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                ["[3] > [1]", "1, 1, 1", "[0] > [999] > [2]", "<think>[1]</think><answer>[2] > [3]</answer>",
                 "<think>[1] > [2]", "[1] </think>", "<answer>7</answer>", "<answer>[[2]]",
                 "9" * 5000, "[١] > [٢]", "² > ³", "A > B", "[-1]", ""]
            ),
        ),
        min_size=1,
    ),
)  # fmt: skip
def test_garbage_is_never_passed_on(method: str, n: int, seed: int, texts: list[str]) -> None:
    ranking = ranked(method, shuffled(n), chat=GarbageChat(seed=seed, texts=texts))
    assert is_permutation(ranking, n)
    assert all(map(math.isfinite, ranking.scores))
    if not ranking.valid:
        assert ranking.order == tuple(range(n))
        assert ranking.notes


@pytest.mark.parametrize("method", METHODS)
def test_replies_that_say_nothing_are_no_ranking(method: str) -> None:
    class Silent(GarbageChat):
        def _maybe_fail(self) -> None:
            self.random.seed(3)

        def _value(self) -> float:
            return math.nan

    ranking = ranked(method, shuffled(25), chat=Silent(texts=["I cannot rank these."]))
    assert (ranking.valid, ranking.order) == (False, tuple(range(25)))
    assert ranking.calls > 0
    assert any("no ranking" in note or "equal" in note for note in ranking.notes)


ODD = [
    "[3] > [1]",
    "",
    "x" * 100_000,
    "worth 5 </think> <answer>[1]</answer>",
    "東京は日本の首都です。" * 400,
    "Вопрос? Ответ: [A]",
    "🙂" * 2000,
    "\ud800 half a pair",
    "\x00",
]


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=8)
@given(texts=st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=30)), max_size=25), seed=st.integers(0, 99))
def test_any_passage_can_be_ranked(method: str, texts: list[str], seed: int) -> None:
    candidates = [passage(text, number) for number, text in enumerate(texts)]
    reranker = ChatReranker(GarbageChat(seed=seed), CHAT_METHODS[method])
    ranking = asyncio.run(reranker.rerank("[2] > [1]?", candidates, budget=Budget()))
    assert is_permutation(ranking, len(texts))


@pytest.mark.parametrize("method", METHODS)
def test_a_budget_that_does_not_suffice_is_an_error_before_the_first_call_that_is_too_many(method: str) -> None:
    # Where the calls are known, that is the first of all: nothing is paid for an order that never comes.
    needed = ranked(method, shuffled(45)).calls
    chat = OracleChat()
    budget = Budget(max_llm_calls=needed - 1)
    with pytest.raises(BudgetExhausted):
        ranked(method, shuffled(45), budget=budget, chat=chat)
    assert chat.calls == budget.llm_calls <= (0 if CHAT_METHODS[method].exact else needed - 1)
    assert budget.remaining_calls == needed - 1 - chat.calls
    assert ranked(method, shuffled(45), budget=Budget(max_llm_calls=needed)).valid


class Slow(OracleChat):
    """Takes its time between the check of the budget and the charge, as a server does."""

    async def label_logprobs(self, messages, labels, *, budget):  # type: ignore[no-untyped-def] # handed on
        with budget.reserve() as call:
            await asyncio.sleep(0.01)
            return await super().label_logprobs(messages, labels, budget=call)

    async def parse(self, messages, schema, *, max_tokens, budget):  # type: ignore[no-untyped-def] # handed on
        with budget.reserve() as call:
            await asyncio.sleep(0.01)
            return await super().parse(messages, schema, max_tokens=max_tokens, budget=call)


def test_calls_at_once_do_not_overdraw_the_budget() -> None:
    chat, budget = Slow(), Budget(max_llm_calls=5)
    with pytest.raises(BudgetExhausted, match="under way"):
        ranked("groups", shuffled(45), budget=budget, chat=chat)  # six groups, or more if replies are repaired
    with pytest.raises(BudgetExhausted, match="leave 5 where 10 are needed"):
        ranked("yes-no", shuffled(10), budget=budget, chat=chat)
    assert ranked("yes-no", shuffled(5), budget=budget, chat=chat).valid
    assert budget.llm_calls == chat.calls == 5


@pytest.mark.parametrize("method", METHODS)
def test_the_clock_can_end_a_ranking(method: str) -> None:
    with pytest.raises(BudgetExhausted):
        ranked(method, shuffled(3), budget=Budget(deadline_s=0))


def test_two_lists_on_one_budget_are_billed_apart() -> None:
    budget = Budget()
    reranker = ChatReranker(OracleChat(), CHAT_METHODS["yes-no"])

    async def both() -> list[Ranking]:
        return await asyncio.gather(*(reranker.rerank("Who?", passages(shuffled(n)), budget=budget) for n in (3, 4)))

    assert [ranking.calls for ranking in asyncio.run(both())] == [3, 4]
    assert budget.llm_calls == 7


@pytest.mark.parametrize("method", ["yes-no", "grades", "pairwise-all"])
def test_pointwise_and_all_pairs_do_not_depend_on_the_input_order(method: str) -> None:
    worths = shuffled(12)
    best_first = [worths[i] for i in ranked(method, worths).order]
    assert [worths[::-1][i] for i in ranked(method, worths[::-1]).order] == best_first
