"""The chat client when the server fails: what is tried again, what is final, and what the error says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted, ModelMisbehaved, PromptTooLong, SettingsError, Unreachable
from hopcite.openai_chat import OpenAIChat
from tests.servers import ASK, Reply, ScriptedServer, Town, asked, piece, refusal, said

Serve = Callable[..., tuple[ScriptedServer, str]]


PAUSE_0 = ("Retry-After", "0")


@pytest.mark.parametrize("trouble", [refusal(429, "busy", PAUSE_0), refusal(503, "loading", PAUSE_0)])
def test_a_busy_server_is_asked_again(serve: Serve, trouble: Reply) -> None:
    server, url = serve(trouble, trouble, said('{"name": "Lund", "people": 3}'))
    budget = Budget()
    assert asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=budget)).name == "Lund"
    assert len(server.requests) == 3
    assert budget.llm_calls == 1


def test_a_lost_connection_is_tried_again_after_a_pause(serve: Serve) -> None:
    server, url = serve(Reply(status=0), Reply(events=(piece("Ottilie", "stop"),)))
    began = time.monotonic()
    assert asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget())).text == "Ottilie"
    assert 0.375 <= time.monotonic() - began < 2, "half a second, give or take a quarter"
    assert len(server.requests) == 2


def test_a_server_that_keeps_failing(serve: Serve) -> None:
    server, url = serve(refusal(500, "out of memory", PAUSE_0))
    with pytest.raises(Unreachable, match=r"keeps failing \(500: out of memory\)"):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget()), retries=2)
    assert len(server.requests) == 3


def test_a_server_that_is_not_there_names_the_fix(nobody: str) -> None:
    with pytest.raises(Unreachable, match=r"does not answer .*; start it, or correct llm\.base_url") as caught:
        asked(nobody, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget()), retries=0)
    assert nobody in str(caught.value)


def test_a_silent_server_is_given_up_without_another_try(serve: Serve) -> None:
    server, url = serve(Reply({}, pause=1.0))
    with pytest.raises(Unreachable, match=r"silent for 0\.1 s; raise llm\.timeout_s"):
        asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget()), timeout_s=0.1)
    assert len(server.requests) == 1


def test_a_deadline_ends_the_retries(serve: Serve) -> None:
    _, url = serve(refusal(503, "loading", ("Retry-After", "20")))
    began = time.monotonic()
    with pytest.raises(BudgetExhausted):
        asked(url, lambda chat: chat.parse(ASK, Town, max_tokens=9, budget=Budget(deadline_s=0.2)))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("status", "message", "error", "remedy"),
    [
        (400, "This model's maximum context length is 8192 tokens", PromptTooLong, "lower answer.evidence"),
        (400, "the request exceeds the available context size", PromptTooLong, "lower answer.evidence"),
        (400, "unknown field", ModelMisbehaved, r"rejects the request \(400: unknown field\)"),
        (401, "who are you", SettingsError, "correct llm.api_key"),
        (404, "no such model", SettingsError, "correct llm.model"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_change(
    serve: Serve, status: int, message: str, error: type[Exception], remedy: str
) -> None:
    server, url = serve(refusal(status, message))
    with pytest.raises(error, match=remedy):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget()))
    assert len(server.requests) == 1


LONGER = (("Content-Length", "9999"),)


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(events=(piece("Ott"),), headers=LONGER), Unreachable, "does not answer"),
        (Reply(events=(piece("Ott"),)), ModelMisbehaved, "broke off"),
        (Reply(events=(piece("Ott"), {"error": {"message": "CUDA"}})), ModelMisbehaved, "server failed: .*CUDA"),
        (Reply("<html>a web page</html>"), ModelMisbehaved, "no OpenAI-compatible server"),
    ],
    ids=["connection lost", "no end", "error in the stream", "another kind of server"],
)
def test_a_stream_that_fails_half_way_is_not_tried_again(
    serve: Serve, reply: Reply, error: type[Exception], says: str
) -> None:
    server, url = serve(reply)
    with pytest.raises(error, match=says):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget()))
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [{"hello": "world"}, ["a"], {"choices": []}, None])
def test_a_reply_in_another_format(serve: Serve, body: object) -> None:
    _, url = serve(Reply(body))
    with pytest.raises(ModelMisbehaved):
        asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget()))


def with_tokens(content: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": content}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "event",
    [
        {"choices": "x"},
        {"choices": [None]},
        {"choices": [{"delta": {"content": [1]}}]},
        with_tokens(["x"]),
        with_tokens([{"logprob": -1}]),
        with_tokens([{"token": "x", "logprob": "likely"}]),
        with_tokens([{"token": "x", "logprob": 10**400}]),
    ],
)
def test_a_stream_in_another_format(serve: Serve, event: object) -> None:
    _, url = serve(Reply(events=(event,)))
    with pytest.raises(ModelMisbehaved, match=r"llm\.base_url"):
        asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget()))


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": None, "completion_tokens": None}, {"prompt_tokens": "8"}, [8], "8"]
)
def test_a_bill_that_cannot_be_read_is_estimated(serve: Serve, usage: object) -> None:
    whole = {"choices": [{"message": {"content": '{"name": "Lund", "people": 3}'}}], "usage": usage}
    _, url = serve(Reply(events=({**piece("Ottilie", "stop"), "usage": usage},)), Reply(whole))
    budget = Budget()

    async def both(chat: OpenAIChat) -> tuple[int, int]:
        reply = await chat.complete(ASK, max_tokens=9, budget=Budget())
        await chat.parse(ASK, Town, max_tokens=9, budget=budget)
        return reply.prompt_tokens, reply.completion_tokens

    assert asked(url, both) == (8, 2), "a third of 25 and of 7 characters"
    assert (budget.prompt_tokens, budget.completion_tokens) == (8, 9)


def test_a_reply_that_cannot_be_unpacked(serve: Serve) -> None:
    _, url = serve(Reply({}, headers=(("Content-Encoding", "gzip"),)))
    with pytest.raises(ModelMisbehaved, match=r"llm\.base_url"):
        asked(url, lambda chat: chat.label_logprobs(ASK, ["A"], budget=Budget()))
    assert asked(url, lambda chat: chat.count_tokens("x" * 9)) == 3


@pytest.mark.parametrize("body", [{"count": None}, {"count": [4]}, {"tokens": 4}, {"tokens": None}, ["count"], 4, None])
def test_a_count_that_cannot_be_read_is_estimated(serve: Serve, body: object) -> None:
    _, url = serve(Reply(body))
    assert asked(url, lambda chat: chat.count_tokens("x" * 9)) == 3


def test_half_a_character_is_replaced(serve: Serve) -> None:
    _, url = serve(Reply(events=(piece("Tarn \ud83d"), piece("", "stop"), "[DONE]")))
    assert asked(url, lambda chat: chat.complete(ASK, max_tokens=9, budget=Budget())).text == "Tarn ?"


def test_a_server_that_is_silent_when_it_should_count_is_not_asked_again(serve: Serve) -> None:
    server, url = serve(Reply({"count": 1}, pause=1.0))

    async def twice(chat: OpenAIChat) -> tuple[int, int]:
        return await chat.count_tokens("x" * 9), await chat.count_tokens("x" * 12)

    assert asked(url, twice, timeout_s=0.1) == (3, 4), "a third of the characters"
    assert len(server.requests) == 1
