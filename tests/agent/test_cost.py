"""What a question may cost: calls and seconds, and what is left of it when they are spent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent import AnswerOptions, Deps, answer_question
from hopcite.budget import Budget
from hopcite.chat import Message, T
from hopcite.errors import Unreachable
from hopcite.settings import AnswerSettings, RerankMethod, RerankSettings, Settings
from retrieval import Collection
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.yes_no import YesNo
from tests.agent.test_graph import GUESS, NOT_THERE, PLAN, QUESTION, REPLY, Script, ask, collection, deps
from tests.fakes import ScriptedChat

__all__ = ["collection"]


def test_a_plan_that_is_mended_leaves_the_writer_its_call(collection: Collection) -> None:
    class Mending(ScriptedChat):
        """Its first plan can't be used, so that it asks once more."""

        async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
            budget.check()
            budget.charge()
            budget.check()
            raise AssertionError("the call that is kept for the writer was given to the plan")

    parts, _ = deps(collection, [])
    options = AnswerOptions(mode="always", max_llm_calls=2)
    asked = answer_question(QUESTION, deps=replace(parts, chat=Mending([REPLY])), options=options)
    answer = asyncio.run(asked)
    assert (answer.short_answer, answer.usage.llm_calls) == ("Kestmark", 2)


@pytest.mark.parametrize(
    ("calls", "script", "status"),
    [
        pytest.param(0, [], "partial", id="none: the evidence is quoted"),
        pytest.param(1, [REPLY], "answered", id="one: the writer has it"),
        pytest.param(2, [NOT_THERE], "unanswerable", id="two: no use in a plan that could not be written from"),
        pytest.param(3, [NOT_THERE, PLAN], "unanswerable", id="three: planned, nothing left for step answers"),
    ],
)
def test_the_call_budget_is_never_exceeded(collection: Collection, calls: int, script: Script, status: str) -> None:
    answer = ask(collection, list(script), max_llm_calls=calls)
    assert answer.usage.llm_calls == len(script) <= calls
    assert answer.status == status


def test_a_reranker_that_asks_often_leaves_a_call_for_the_writer(collection: Collection) -> None:
    chat = ScriptedChat([REPLY])
    reranker = ChatReranker(chat, YesNo())
    parts = Deps(settings=Settings(), collection=collection, reranker=reranker, chat=chat)
    options = AnswerOptions(mode="never", max_llm_calls=3)
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=options))
    # Three passages would take three calls and two are left beside the writer's: none is made, the order stays.
    assert (answer.short_answer, answer.usage.llm_calls, chat.script) == ("Kestmark", 1, [])
    [event] = [event for event in answer.trace.events if event.node == "rerank"]
    assert "skipped" in event.detail


@pytest.mark.parametrize(
    ("answer", "method", "asked", "calls"),
    [
        ({}, "none", None, 12),
        ({}, "attention", None, 12 + 1),
        ({}, "yes-no", None, 12 + 20),
        ({}, "attention", "yes-no", 12 + 20),
        ({"max_llm_calls": 12}, "yes-no", None, 12),  # somebody's own ceiling holds
    ],
)
def test_the_ceiling_of_calls_leaves_room_for_the_reranker(
    answer: dict[str, int], method: RerankMethod, asked: RerankMethod | None, calls: int
) -> None:
    settings = Settings(answer=AnswerSettings.model_validate(answer), rerank=RerankSettings(method=method))
    assert AnswerOptions.from_settings(settings, rerank=asked).max_llm_calls == calls


def test_a_spent_deadline_still_quotes_the_evidence(collection: Collection) -> None:
    answer = ask(collection, [], deadline_s=1e-9)
    assert answer.status == "partial"
    assert answer.citations


def test_an_error_tells_what_the_question_had_cost(collection: Collection) -> None:
    with pytest.raises(Unreachable) as caught:
        ask(collection, [PLAN, "Answer: Ottilie Brandvold", Unreachable("away")], mode="always")
    # Of the fake: 10 and 5 tokens a call, that of the failed one included.
    assert (caught.value.llm_calls, caught.value.prompt_tokens, caught.value.completion_tokens) == (3, 30, 15)


def test_a_budget_that_ends_before_the_second_draft_leaves_the_first(collection: Collection) -> None:
    answer = ask(collection, [GUESS], max_llm_calls=2)
    assert (answer.short_answer, answer.status) == ("Wexcombe", "partial")
