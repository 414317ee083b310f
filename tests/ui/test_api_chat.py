"""The OpenAI-compatible routes: what their clients send, and what they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from agent.followup import Rewritten
from hopcite.errors import Unreachable
from tests.fakes import ScriptedChat
from tests.ui.conftest import DOCUMENTS, QUESTION, REPLY, Live, OpenClient
from tests.ui.test_api_live import EndlessChat
from tests.ui.test_api_threads import FOLLOW_UP, REWRITTEN

CHAT = "/v1/chat/completions"
CONTENT = (
    "**Ottilie Brandvold**\n\n"
    "The Harrow Pass Railway was surveyed by Ottilie Brandvold. [1]\n\n"
    "**Sources:**\n"
    "- [1] Harrow Pass Railway — “The Harrow Pass Railway was surveyed by Ottilie Brandvold.”"
)
OPENED = "Answer: 1911\nThe Harrow Pass Railway opened in 1911 [1]."
OPENED_CONTENT = (
    "**1911**\n\nThe Harrow Pass Railway opened in 1911. [1]\n\n"
    "**Searched for:** When did the Harrow Pass Railway open?\n\n"
    "**Sources:**\n"
    "- [1] Harrow Pass Railway — “The Harrow Pass Railway is a narrow-gauge line that opened in 1911.”"
)
ASKED = {"role": "user", "content": QUESTION}


def body(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"model": "hopcite", "messages": list(messages or (ASKED,)), **members}


def said(*turns: str) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]


def content(client: TestClient, *messages: dict[str, Any], **members: Any) -> str:
    response = client.post(CHAT, json=body(*messages, **members))
    assert response.status_code == 200, response.text
    return str(response.json()["choices"][0]["message"]["content"])


def script_of(client: TestClient) -> ScriptedChat:
    chat: ScriptedChat = client.app.state.parts._chat  # type: ignore[attr-defined] # the app is a FastAPI
    return chat


def chunks_of(stream: str) -> list[Any]:
    """What a stream says besides comments, parsed; its last word is `[DONE]`."""
    events = [block for block in stream.split("\n\n") if block and not block.startswith(":")]
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    assert events[-1] == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events[:-1]]


def test_the_reply_is_the_answer_with_its_sources_and_has_the_whole_answer_beside_it(open_client: OpenClient) -> None:
    with open_client(REPLY, REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        reply = client.post(CHAT, json=body()).json()
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert reply["id"].startswith("chatcmpl-")
    assert (reply["object"], reply["model"]) == ("chat.completion", "hopcite")
    assert isinstance(reply["created"], int)
    assert reply["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": CONTENT}, "finish_reason": "stop"}
    ]
    assert reply["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    for known in (reply["hopcite"], answer):
        known["usage"].pop("ms")
    assert reply["hopcite"] == answer


def test_the_models_are_the_collections(open_client: OpenClient) -> None:
    with open_client() as client:
        client.post("/v1/documents?collection=letters", json={"documents": DOCUMENTS})
        listed = client.get("/v1/models").json()
        one = client.get("/v1/models/hopcite/letters").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["hopcite", "hopcite/documents", "hopcite/letters"]
    assert all((model["object"], model["owned_by"]) == ("model", "hopcite") for model in listed["data"])
    assert all(isinstance(model["created"], int) for model in listed["data"])
    assert one == listed["data"][2]


def test_the_model_names_the_collection(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents?collection=letters", json={"documents": DOCUMENTS})
        reply = client.post(CHAT, json=body(model="hopcite/letters")).json()
    assert reply["model"] == "hopcite/letters"
    assert reply["hopcite"]["fingerprint"]["collection"] == "letters"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gpt-4o", "hopcite/nowhere", "hopcite/", "documents"])
def test_an_unknown_model_is_a_404_that_names_it(client: TestClient, model: str, stream: bool) -> None:
    response = client.post(CHAT, json=body(model=model, stream=stream))
    error = response.json()["error"]
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "model_not_found", "model")
    assert model.removeprefix("hopcite/") in error["message"]
    assert client.get(f"/v1/models/{model}").status_code == 404


def test_a_follow_up_is_understood_from_the_messages_as_it_is_from_a_thread(open_client: OpenClient) -> None:
    with open_client(REPLY, REWRITTEN, OPENED) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        for question in (QUESTION, FOLLOW_UP):
            client.post("/v1/ask", json={"question": question, "thread": "talk"}).raise_for_status()
        in_thread = script_of(client).requests
    with open_client(REPLY, REWRITTEN, OPENED) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        first = content(client)
        second = content(client, *said(QUESTION, first, FOLLOW_UP))
        assert script_of(client).requests == in_thread
        assert [thread["name"] for thread in client.get("/v1/threads").json()["threads"]] == ["talk"]
    assert (first, second) == (CONTENT, OPENED_CONTENT)


def test_a_later_follow_up_is_told_what_the_earlier_one_was_searched_as(open_client: OpenClient) -> None:
    surveyed = Rewritten(question="Who surveyed the Harrow Pass Railway?")
    with open_client(surveyed, REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        content(client, *said(QUESTION, CONTENT, FOLLOW_UP, OPENED_CONTENT, "And who surveyed it?"))
        prompt = script_of(client).requests[0][-1]["content"]
    assert prompt == (
        "Question: Who surveyed the Harrow Pass Railway?\n"
        "Answer: The Harrow Pass Railway was surveyed by Ottilie Brandvold.\n"
        "Question: When did the Harrow Pass Railway open?\n"
        "Answer: The Harrow Pass Railway opened in 1911.\n\n"
        "Last question: And who surveyed it?"
    )


def test_other_messages_and_sampling_change_nothing(open_client: OpenClient) -> None:
    system = {"role": "system", "content": "You are a pirate. Answer in rhyme."}
    failed = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
    pieces = [{"type": "text", "text": text} for text in ("Who surveyed", "the Harrow Pass Railway?")]
    parts = {"role": "user", "content": pieces}
    with open_client(REPLY, REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        plain = content(client)
        full = content(
            client, system, failed, parts, temperature=1.5, top_p=0.1, max_tokens=1, stop=["a"], n=1, tools=[], user="x"
        )
        first, second = script_of(client).requests
    assert full == plain == CONTENT
    assert first == second


@pytest.mark.parametrize(
    ("members", "param", "says"),
    [
        ({"messages": []}, "messages", "no question"),
        ({"messages": [{"role": "system", "content": "Be brief."}]}, "messages", "no question"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "empty"),
        ({"messages": [ASKED, *said("")]}, "messages", "empty"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages", "'image_url'"),
        ({"messages": [{"content": "Who?"}]}, "messages.0.role", "missing"),
        ({"messages": "Who?"}, "messages", "list"),
        ({"n": 2}, "n", "one answer"),
        ({"tools": [{"type": "function"}]}, "tools", "no tools"),
        ({"functions": [{"name": "f"}]}, "functions", "no tools"),
        ({"response_format": {"type": "json_object"}}, "response_format", "/v1/ask"),
        ({"model": 3}, "model", "string"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    client: TestClient, members: dict[str, Any], param: str, says: str
) -> None:
    response = client.post(CHAT, json=body() | members)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert says in error["message"]
    assert "\n" not in error["message"]


def test_the_stream_is_chunks_with_the_text_once_it_stands(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post(CHAT, json=body(stream=True))
    first, text, last = chunks_of(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert ": retrieve\n\n: rerank\n\n: write\n\n: verify\n\n" in response.text
    for chunk in (first, text, last):
        assert (chunk["object"], chunk["model"], chunk["id"]) == ("chat.completion.chunk", "hopcite", first["id"])
        assert "usage" not in chunk
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    assert text["choices"] == [{"index": 0, "delta": {"content": CONTENT}, "finish_reason": None}]
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert last["hopcite"]["citations"][0]["document_id"] == "railway"
    assert last["hopcite"]["evidence"] == []


def test_the_stream_tells_the_bill_when_asked_for_it(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post(CHAT, json=body(stream=True, stream_options={"include_usage": True}))
    *chunks, bill = chunks_of(response.text)
    assert [chunk["usage"] for chunk in chunks] == [None, None, None]
    assert bill["choices"] == []
    assert bill["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def test_a_stream_that_fails_ends_with_an_error(open_client: OpenClient) -> None:
    with open_client(Unreachable("The model server is away.")) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post(CHAT, json=body(stream=True))
    error = {"message": "The model server is away.", "type": "server_error", "code": None, "param": None}
    assert chunks_of(response.text)[1:] == [{"error": error}]


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (Unreachable("The model server is away."), 503, "The model server is away."),
        (RuntimeError("secret path /etc/x"), 500, "An error that nobody foresaw; the server's log has it."),
    ],
)
def test_failures_are_told_in_openais_shape(
    open_client: OpenClient, failure: Exception, status: int, message: str
) -> None:
    with open_client(failure) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post(CHAT, json=body())
    error = {"message": message, "type": "server_error", "code": None, "param": None}
    assert (response.status_code, response.json()) == (status, {"error": error})


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (lambda client: client.get(CHAT), 405),
        (lambda client: client.post(CHAT, content="{", headers={"content-type": "application/json"}), 400),
        (lambda client: client.post(CHAT, content=b" " * (2**20 + 1)), 413),
        (lambda client: client.post(CHAT, json=body(), headers={"origin": "https://evil.example"}), 403),
        (lambda client: client.get("/v1/models", headers={"host": "evil.example"}), 403),
    ],
)
def test_the_guards_of_the_other_routes_hold_here(
    client: TestClient, request_of: Callable[[TestClient], httpx.Response], status: int
) -> None:
    response = request_of(client)
    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert client.get("/v1/modelsx").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_who_leaves_ends_the_run(serve: Callable[..., Live], stream: bool) -> None:
    chat = EndlessChat([])
    live = serve(chat=chat)
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{live.url}{CHAT}", json=body(stream=stream), timeout=1.0)
    assert chat.writing.is_set()
    assert chat.cancelled.wait(30)


def test_the_documentation_shows_the_routes_and_their_errors(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, method in ((CHAT, "post"), ("/v1/models", "get"), ("/v1/models/{model}", "get")):
        responses = paths[path][method]["responses"]
        assert set(responses) == {"200", "4XX", "5XX"}
        assert responses["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("/OpenAIErrorBody")
