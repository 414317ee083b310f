"""The chat client against an HTTP server that replies from a script."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from hopcite.budget import Budget
from hopcite.chat import Message
from hopcite.errors import BudgetExhausted, ModelMisbehaved
from hopcite.openai_chat import OpenAIChat
from tests.servers import ASK, Reply, ScriptedServer, Town, asked, piece, refusal, said

Serve = Callable[..., tuple[ScriptedServer, str]]
Listen = Callable[[type[BaseHTTPRequestHandler]], str]


def test_a_stream_is_handed_on_as_it_comes(serve: Serve) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    events = (piece("<think>hm"), piece("</think>\nOttilie"), piece(" Brandvold", "stop"), usage, "[DONE]")
    server, url = serve(Reply(events=events))
    heard: list[str] = []
    budget = Budget()
    done = asked(
        url,
        lambda chat: chat.complete(ASK, max_tokens=50, budget=budget, stop=["\n\n"], on_text=heard.append),
        api_key=SecretStr("sesame"),
    )
    assert heard == ["Ottilie", " Brandvold"], "what the model thinks aloud is dropped"
    assert (done.text, done.finish_reason) == ("Ottilie Brandvold", "stop")
    assert (budget.llm_calls, budget.prompt_tokens, budget.completion_tokens) == (1, 9, 2)
    [request] = server.requests
    assert request["messages"] == ASK
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("tiny", 0, 50)
    assert request["stop"] == ["\n\n"]
    assert server.keys == ["Bearer sesame"]


def test_the_tokens_of_a_reply_come_with_their_log_probabilities(serve: Serve) -> None:
    def told(text: str, logprob: object, finish: str | None = None) -> dict[str, object]:
        choice = {"delta": {"content": text}, "finish_reason": finish}
        return {"choices": [{**choice, "logprobs": {"content": [{"token": text, "logprob": logprob}]}}]}

    server, url = serve(Reply(events=(told("Ottilie", -0.5), told(" Brand", -0.25), told("vold", None, "stop"))))
    done = asked(url, lambda chat: chat.complete(ASK, max_tokens=50, budget=Budget()))
    assert done.logprobs[:2] == (("Ottilie", -0.5), (" Brand", -0.25))
    assert math.isnan(done.logprobs[2][1])
    assert server.requests[0]["logprobs"] is True


def test_a_server_that_refuses_log_probabilities_is_asked_without_them_from_then_on(serve: Serve) -> None:
    server, url = serve(refusal(400, "logprobs are not supported by this model"), Reply(events=(piece("Yes", "stop"),)))

    async def twice(chat: OpenAIChat) -> list[str]:
        return [(await chat.complete(ASK, max_tokens=5, budget=Budget())).text for _ in range(2)]

    assert asked(url, twice) == ["Yes", "Yes"]
    assert ["logprobs" in request for request in server.requests] == [True, False, False]


def test_any_other_refusal_is_not_asked_again(serve: Serve) -> None:
    server, url = serve(refusal(400, "no such thing"))
    with pytest.raises(ModelMisbehaved, match="no such thing"):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=5, budget=Budget()))
    assert len(server.requests) == 1


def test_a_ceiling_of_tokens_holds_for_prompt_and_reply(serve: Serve) -> None:
    # The server counts 60 tokens; the template adds 5 a message.
    counted = Reply({"tokens": [1] * 60})
    server, url = serve(counted, Reply(events=(piece("Yes", "stop"),)), counted)
    budget = Budget(max_tokens=110)
    asked(url, lambda chat: chat.complete(ASK, max_tokens=50, budget=budget))
    assert server.requests[1]["max_tokens"] == 110 - 60 - 5 * len(ASK)
    tight = Budget(max_tokens=80)
    with pytest.raises(BudgetExhausted, match="80 tokens leave 80 where 97 are needed"):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=50, budget=tight))


def test_a_reply_cut_at_max_tokens_and_a_server_that_does_not_count(serve: Serve) -> None:
    _, url = serve(Reply(events=(piece("Ottilie", "length"),)))
    done = asked(url, lambda chat: chat.complete(ASK, max_tokens=1, budget=Budget()))
    assert done.finish_reason == "length"
    assert (done.prompt_tokens, done.completion_tokens) == (25 // 3, 7 // 3), "estimated: 3 characters a token"


def test_the_deadline_keeps_what_was_written(serve: Serve) -> None:
    server, url = serve(Reply(events=tuple(piece(f"{n} ") for n in range(100)), pause=0.1))
    budget = Budget(deadline_s=0.45)
    began = time.monotonic()
    done = asked(url, lambda chat: chat.complete(ASK, max_tokens=200, budget=budget))
    assert time.monotonic() - began < 2
    assert done.finish_reason == "deadline"
    assert done.text.startswith("0 1")
    assert len(done.text.split()) < 10
    assert budget.llm_calls == len(server.requests) == 1


def test_the_deadline_of_a_reply_that_must_be_whole(serve: Serve) -> None:
    _, url = serve(Reply({}, pause=1.0))
    budget = Budget(deadline_s=0.2)
    with pytest.raises(BudgetExhausted, match=r"0\.2 seconds are spent"):
        asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=budget))
    assert budget.llm_calls == 1


@pytest.mark.parametrize(
    "text", ['{"name": "Lund", "people": 3}', '<think>{}</think>Here:\n```json\n{"name": "Lund", "people": 3}\n```']
)
def test_parse_asks_for_the_schema_and_reads_the_reply(serve: Serve, text: str) -> None:
    server, url = serve(said(text))
    assert asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=Budget())) == Town(name="Lund", people=3)
    [request] = server.requests
    assert request["response_format"]["json_schema"]["schema"] == Town.model_json_schema()


def test_parse_repairs_once_and_shows_the_model_its_mistake(serve: Serve) -> None:
    server, url = serve(said('{"name": "Lund"}'), said('{"name": "Lund", "people": 3}'))
    budget = Budget()
    assert asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=budget)).people == 3
    assert (budget.llm_calls, budget.prompt_tokens, budget.completion_tokens) == (2, 22, 6)
    assistant, user = server.requests[1]["messages"][-2:]
    assert assistant == {"role": "assistant", "content": '{"name": "Lund"}'}
    assert "Field required" in user["content"]


def test_parse_gives_up_after_one_repair(serve: Serve) -> None:
    server, url = serve(said("Lund, I think"))
    with pytest.raises(ModelMisbehaved, match="tiny twice gave no valid Town"):
        asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=Budget()))
    assert len(server.requests) == 2


def test_a_label_counts_with_and_without_a_space_and_is_absent_if_unreported(serve: Serve) -> None:
    top = [("A", 0.5), (" A", 0.25), ("B", 0.125), ("Ax", 0.06), ("C", 0.0)]
    logprobs = [{"token": t, "logprob": math.log(p) if p else -math.inf} for t, p in top]
    server, url = serve(said("A", logprobs={"content": [{"token": "A", "top_logprobs": logprobs}]}))
    found = asked(url, lambda chat: chat.label_logprobs(ASK, ["A", "B", "C", "D"], budget=Budget()))
    assert found == {"A": pytest.approx(math.log(0.75)), "B": pytest.approx(math.log(0.125))}
    assert (server.requests[0]["max_tokens"], server.requests[0]["top_logprobs"]) == (1, 20)


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {"content": None},
        {"content": []},
        {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": None}]},
        {"content": [{"token": "A", "top_logprobs": [{"token": "A", "logprob": None}, {"token": "B"}]}]},
        {"content": [{"token": "A", "top_logprobs": [{"token": "A", "logprob": math.nan}]}]},
    ],
)
def test_a_label_without_a_number_is_not_reported(serve: Serve, logprobs: object) -> None:
    _, url = serve(said("A", logprobs=logprobs))
    assert asked(url, lambda chat: chat.label_logprobs(ASK, ["A", "B"], budget=Budget())) == {}


def test_labels_beside_one_without_a_number_count(serve: Serve) -> None:
    top = [{"token": "A", "logprob": None}, {"token": "B", "logprob": math.nan}, {"token": "C", "logprob": -0.5}]
    _, url = serve(said("A", logprobs={"content": [{"token": "A", "top_logprobs": top}]}))
    found = asked(url, lambda chat: chat.label_logprobs(ASK, ["A", "B", "C"], budget=Budget()))
    assert found == {"C": pytest.approx(-0.5)}


@pytest.mark.parametrize("content", [[None], "A", [{"top_logprobs": [{"logprob": 0}]}], {"token": "A"}])
def test_logprobs_in_another_format_are_the_models_fault(serve: Serve, content: object) -> None:
    _, url = serve(said("A", logprobs={"content": content}))
    with pytest.raises(ModelMisbehaved, match=r"llm\.base_url"):
        asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget()))


def test_models_that_think_are_told_not_to_before_a_label_unless_the_server_refuses(serve: Serve) -> None:
    top = [{"token": "A", "logprob": -0.5}]
    reply = said("A", logprobs={"content": [{"token": "A", "top_logprobs": top}]})
    server, url = serve(reply, refusal(400, "Unrecognized argument: chat_template_kwargs"), reply)
    budget = Budget(max_llm_calls=3)

    async def thrice(chat: OpenAIChat) -> list[dict[str, float]]:
        return [await chat.label_logprobs(ASK, ["A"], budget=budget) for _ in range(3)]

    assert asked(url, thrice) == [{"A": pytest.approx(-0.5)}] * 3
    told = [request.get("chat_template_kwargs") for request in server.requests]
    assert told == [{"enable_thinking": False}, {"enable_thinking": False}, None, None]
    assert budget.llm_calls == 3


def test_the_assistants_turn_is_gone_on_with(serve: Serve) -> None:
    server, url = serve(said("A"))
    begun: list[Message] = [*ASK, {"role": "assistant", "content": "["}]
    asked(url, lambda chat: chat.label_logprobs(begun, ["A"], budget=Budget()))
    asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget()))
    first, second = server.requests
    assert first["messages"] == begun
    assert (first["add_generation_prompt"], first["continue_final_message"]) == (False, True)
    assert "continue_final_message" not in second


def test_a_server_without_log_probabilities_reports_no_label(serve: Serve) -> None:
    _, url = serve(said("A"))
    assert asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget())) == {}


def test_calls_under_way_at_once(serve: Serve) -> None:
    server, url = serve(Reply(events=(piece("yes", "stop"),), pause=0.05))

    async def eight(chat: OpenAIChat) -> None:
        await asyncio.gather(*(chat.complete(ASK, max_tokens=1, budget=Budget()) for _ in range(8)))

    asked(url, eight, concurrency=3)
    assert len(server.requests) == 8
    assert server.most_at_once == 3


def test_the_settings_alone_say_how_many_calls_are_under_way_at_once(listen: Listen) -> None:
    together = threading.Barrier(110)  # more than the 100 connections that HTTP clients allow themselves

    class Patient(ScriptedServer):
        def next(self, request: dict[str, Any], key: str | None, path: str) -> Reply:
            together.wait(timeout=20)
            return super().next(request, key, path)

    async def many(chat: OpenAIChat) -> None:
        await asyncio.gather(*(chat.label_logprobs(ASK, ["yes"], budget=Budget()) for _ in range(110)))

    server = Patient([said("yes")])
    asked(listen(server.handler()), many, concurrency=110)
    assert len(server.requests) == 110


@pytest.mark.parametrize("budget", [Budget(max_llm_calls=0), Budget(max_tokens=0), Budget(deadline_s=0)])
def test_a_spent_budget_sends_nothing(serve: Serve, budget: Budget) -> None:
    server, url = serve(said("no"))
    with pytest.raises(BudgetExhausted):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=1, budget=budget))
    assert server.requests == []


@pytest.mark.parametrize("body", [{"tokens": [1, 2, 3, 4]}, {"count": 4}, {"error": "no"}])
def test_tokens_are_counted_by_the_server_else_estimated(serve: Serve, body: object) -> None:
    _, url = serve(Reply(body, 404 if body == {"error": "no"} else 200))
    assert asked(url, lambda chat: chat.count_tokens("ten letters")) == 4  # 11 characters / 3, rounded up
