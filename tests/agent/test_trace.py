"""The trace of an answer: complete when asked for, short otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import AnswerOptions, Deps, answer_question
from hopcite.budget import Budget
from hopcite.errors import ModelMisbehaved
from hopcite.recording import Recorder, RecordingChat, listening
from hopcite.settings import Settings
from hopcite.types import Answer
from hopcite.wire import answer_json, trace_json
from retrieval import Collection, open_collection
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.port import Reranker
from retrieval.rerank.yes_no import YesNo
from tests.agent.test_graph import NO_ANSWER, NOT_THERE, PLAN, QUESTION, REPLY, Script, chunks
from tests.fakes import HashingEncoder, ScriptedChat


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    opened = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    opened.add(chunks())
    yield opened
    opened.close()


def ask(collection: Collection, script: Script, *, reranker: Reranker | None = None, **options: Any) -> Answer:
    parts = Deps(Settings(), collection, reranker or IdentityReranker(), ScriptedChat(script))
    options = {"trace": True, **options}
    return asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions(**options)))


def test_every_node_has_its_input_and_output(collection: Collection) -> None:
    answer = ask(collection, [NOT_THERE, PLAN, *NO_ANSWER, REPLY], evidence=2)
    trace = json.loads(json.dumps(answer_json(answer, trace=True)))["trace"]
    nodes = [event["node"] for event in trace["events"]]
    steps = ("plan", "search_steps", "answer_steps", "search_steps", "answer_steps")
    assert nodes == ["search", "write", *steps, "rerank", "write", "verify"]
    search, write, *_, rerank, _, _ = trace["events"]
    assert search["input"] == {"question": QUESTION}
    assert [hit["chunk_id"] for hit in search["output"]["found"]["q"]] == list(answer.steps[0].chunk_ids)
    assert write["input"]["evidence"] == search["output"]["evidence"]
    assert {"chunk_id", "rank", "retrieval_score", "rerank_score", "steps"} == set(rerank["output"]["evidence"][0])
    assert write["output"]["drafts"][0]["draft"]["unknown"] is True
    starts = [event["started_ms"] for event in trace["events"]]
    assert starts == sorted(starts)


def test_every_call_has_its_prompt_its_reply_and_its_node(collection: Collection) -> None:
    answer = ask(collection, [NOT_THERE, PLAN, "Answer: Ottilie Brandvold", REPLY])
    trace = trace_json(answer.trace)
    calls = [call for call in trace["calls"] if call["kind"] != "rerank"]
    assert [(trace["events"][call["event"]]["node"], call["kind"], call["reply"]) for call in calls] == [
        ("write", "complete", NOT_THERE),
        ("plan", "parse", PLAN.model_dump()),
        ("answer_steps", "complete", "Answer: Ottilie Brandvold"),
        ("answer_steps", "complete", REPLY),
    ]
    assert calls[0]["request"]["messages"][-1]["content"].endswith(f"Question: {QUESTION}")
    assert {(call["calls"], call["prompt_tokens"], call["completion_tokens"]) for call in calls} == {(1, 10, 5)}
    assert sum(call["calls"] for call in calls) == answer.usage.llm_calls
    assert [call["id"] for call in trace["calls"]] == list(range(1, len(trace["calls"]) + 1))


def test_what_a_reranker_asks_belongs_to_it(collection: Collection) -> None:
    chat = RecordingChat(ScriptedChat([{"yes": -0.1}, {"yes": -0.3}, {"yes": -0.2}]))  # as open_deps wraps it
    answer = ask(collection, [REPLY], reranker=ChatReranker(chat, YesNo()), mode="never", write=True)
    rerank, *asked = [call for call in answer.trace.calls if call.kind != "complete"]
    assert (rerank.kind, rerank.parent, rerank.calls) == ("rerank", None, 3)
    assert [(call.kind, call.parent) for call in asked] == [("label_logprobs", rerank.id)] * 3
    assert rerank.request["candidates"] == list(answer.steps[0].chunk_ids)
    assert isinstance(rerank.reply, dict)
    assert rerank.reply["order"] == [0, 2, 1]


def test_a_call_that_fails_is_recorded_with_its_error(collection: Collection) -> None:
    answer = ask(collection, [ModelMisbehaved("no JSON"), REPLY], mode="always")
    failed = next(call for call in answer.trace.calls if call.kind == "parse")
    assert (failed.error, failed.reply, failed.calls) == ("ModelMisbehaved: no JSON", None, 1)


def test_unless_asked_for_the_trace_is_short(collection: Collection) -> None:
    answer = ask(collection, [REPLY], mode="never", trace=False)
    trace = trace_json(answer.trace)
    assert (trace["started"], trace["calls"], trace["options"]) == (None, [], {})
    assert [set(event) for event in trace["events"]] == [{"node", "ms", "detail"}] * 4


def test_a_chat_behind_another_is_recorded_once() -> None:
    recorder = Recorder()
    chat = RecordingChat(RecordingChat(ScriptedChat(["hello"])))
    with listening(recorder):
        asyncio.run(chat.complete([{"role": "user", "content": "hi"}], max_tokens=5, budget=Budget()))
    assert [call.reply for call in recorder.calls] == ["hello"]
