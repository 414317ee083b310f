"""The label methods on a model in this process: the same orders, one batch for all who ask, and no caller forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import pytest

from hopcite.budget import Budget
from hopcite.chat import Message
from hopcite.errors import BudgetExhausted, ModelFileError, SettingsError
from hopcite.settings import RerankSettings, Settings
from retrieval import open_reranker
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.in_process_chat import InProcessChat, LabelScorer
from retrieval.rerank.methods import CHAT_METHODS, LABEL_METHODS
from retrieval.rerank.port import Ranking
from retrieval.rerank.together import together
from tests.oracle import OracleChat, passages

WORTHS = [4 * (7 * i % 23) for i in range(23)]


class OracleScorer:
    """Knows what each passage is worth. Notes how many prompts came at once, and waits for `go` before it answers."""

    def __init__(self, go: threading.Event | None = None) -> None:
        self.batches: list[int] = []
        self.answered = 0
        self.stopped = threading.Event()
        self._go = go

    def score(
        self, prompts: Sequence[Sequence[Message]], labels: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, dict[str, float], int]]:
        self.batches.append(len(prompts))
        try:
            for number in reversed(range(len(prompts))):
                if self._go is not None:
                    assert self._go.wait(30)
                found = asyncio.run(OracleChat().label_logprobs(prompts[number], labels[number], budget=Budget()))
                self.answered += 1
                yield number, found, 10
        finally:
            self.stopped.set()


def rank(method: str, scorer: LabelScorer, worths: Sequence[int] = WORTHS, budget: Budget | None = None) -> Ranking:
    async def ranked() -> Ranking:
        reranker = ChatReranker(InProcessChat(lambda: scorer, model="m"), CHAT_METHODS[method], owned=True)
        try:
            return await reranker.rerank("Who?", passages(worths), budget=budget or Budget())
        finally:
            await reranker.aclose()

    return asyncio.run(ranked())


@pytest.mark.parametrize("method", sorted(LABEL_METHODS))
def test_a_method_ranks_as_over_the_wire(method: str) -> None:
    here = rank(method, OracleScorer())
    there = asyncio.run(
        ChatReranker(OracleChat(), CHAT_METHODS[method]).rerank("Who?", passages(WORTHS), budget=Budget())
    )
    assert (here.order, here.valid, here.calls) == (there.order, True, there.calls)
    assert (here.prompt_tokens, here.completion_tokens) == (there.prompt_tokens, 0)


@pytest.mark.parametrize("method", sorted(CHAT_METHODS.keys() - LABEL_METHODS))
def test_what_needs_a_written_reply_is_refused(method: str) -> None:
    with pytest.raises(SettingsError, match=r"rerank\.engine"):
        rank(method, OracleScorer())


def test_all_that_is_asked_at_once_is_one_batch() -> None:
    scorer = OracleScorer()
    rank("yes-no", scorer)
    assert scorer.batches == [len(WORTHS)]
    scorer = OracleScorer()
    rank("pairwise-all", scorer, [1, 2, 3])
    assert scorer.batches == [6]


@pytest.mark.parametrize("method", ["yes-no", "letters", "setwise", "pairwise-heap"])
def test_several_lists_at_once_share_their_batches(method: str) -> None:
    lists = [WORTHS, WORTHS[::-1], [3, 1, 2]]

    def batches(*worths: Sequence[int]) -> tuple[list[int], list[tuple[int, ...]]]:
        scorer = OracleScorer()

        async def ranked() -> list[Ranking]:
            reranker = ChatReranker(InProcessChat(lambda: scorer, model="m"), CHAT_METHODS[method], owned=True)
            return await together(reranker.rerank("Who?", passages(one), budget=Budget()) for one in worths)

        orders = [ranking.order for ranking in asyncio.run(ranked())]
        return scorer.batches, orders

    alone = [batches(one) for one in lists]
    shared, orders = batches(*lists)
    assert orders == [order for _, [order] in alone]
    # Round by round, as many prompts as the lists have that are not done yet.
    assert shared == [sum(rounds) for rounds in zip_longest(*(own for own, _ in alone), fillvalue=0)]


def test_a_model_that_does_not_load_is_an_error() -> None:
    def load() -> LabelScorer:
        raise ModelFileError("No such model.")

    async def ranked() -> None:
        chat = InProcessChat(load, model="m")
        await ChatReranker(chat, CHAT_METHODS["yes-no"], owned=True).rerank("?", passages([1, 2]), budget=Budget())

    with pytest.raises(ModelFileError, match="No such model"):
        asyncio.run(ranked())


def test_at_the_deadline_the_callers_leave_and_the_work_stops() -> None:
    go = threading.Event()
    scorer = OracleScorer(go)
    with pytest.raises(BudgetExhausted, match="--deadline"):
        rank("yes-no", scorer, budget=Budget(deadline_s=0.05))
    go.set()
    assert scorer.stopped.wait(30)
    assert scorer.answered <= 1


def test_a_caller_who_leaves_does_not_stop_the_others() -> None:
    go = threading.Event()

    async def asked() -> tuple[bool, dict[str, float]]:
        chat = InProcessChat(lambda: OracleScorer(go), model="m")
        messages: list[Message] = [{"role": "user", "content": "[A] T: worth 10\n[B] T: worth 20"}]
        leaves, stays = (asyncio.ensure_future(chat.label_logprobs(messages, "AB", budget=Budget())) for _ in range(2))
        await asyncio.sleep(0)
        leaves.cancel()
        go.set()
        found = await stays
        await chat.aclose()
        return leaves.cancelled(), found

    assert asyncio.run(asked()) == (True, {"A": -49.0, "B": -48.0})


def test_it_is_a_setting() -> None:
    settings = Settings(rerank=RerankSettings(method="setwise", engine="in-process"))
    reranker = open_reranker(settings, OracleChat())
    assert reranker.name == "setwise:qwen2.5-coder-1.5b-instruct-q4_k_m"
    asyncio.run(reranker.aclose())
