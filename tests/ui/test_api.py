"""The REST API over real parts, without a network or a model."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from hopcite.errors import Unreachable
from hopcite.settings import SearchSettings, Settings, ThreadSettings
from tests.fakes import HashingEncoder, ScriptedChat
from tests.ui.conftest import DOCUMENTS, QUESTION, RAILWAY, REPLY, OpenClient
from ui.ready import faults
from ui.server import create_app
from ui.state import Parts

PROBLEM = "application/problem+json"


def events_of(body: str) -> list[tuple[str, dict[str, object]]]:
    """The events of a stream, comments left out."""
    events = []
    for block in body.split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = {name: value for name, _, value in lines}
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_an_answer_cites_words_that_stand_at_their_offsets(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
        stored = client.get("/v1/documents/railway").json()
    assert answer["short_answer"] == "Ottilie Brandvold"
    assert answer["status"] == "answered"
    [citation] = answer["citations"]
    assert citation["document_id"] == "railway"
    assert citation["verified"] is True
    assert stored["text"] == RAILWAY
    assert stored["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert "[1]" in answer["answer"]
    assert answer["usage"]["llm_calls"] == 1
    assert answer["fingerprint"]["models"]["llm"] == "scripted"


def test_a_request_overrides_the_settings_for_itself(open_client: OpenClient) -> None:
    with open_client(REPLY, REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        client.post("/v1/ask", json={"question": QUESTION, "evidence": 1, "mode": "never", "rerank": "none"})
        client.post("/v1/ask", json={"question": QUESTION})
        chat = client.app.state.parts._chat  # type: ignore[attr-defined] # the app is a FastAPI
    narrow, wide = (messages[-1]["content"] for messages in chat.requests)
    assert "[2]" not in narrow
    assert "[2]" in wide


def test_the_stream_tells_stages_then_text_then_the_same_answer(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post("/v1/ask", json={"question": QUESTION}, headers={"accept": "text/event-stream"})
    events = events_of(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    names = [name for name, _ in events]
    assert names[-1] == "answer"
    assert names.count("answer") == 1
    assert set(names[:-1]) == {"stage", "text"}
    stages = [(data["stage"], data["state"]) for name, data in events if name == "stage"]
    assert stages[0] == ("retrieve", "start")
    assert stages.index(("write", "start")) < stages.index(("write", "end")) < stages.index(("verify", "start"))
    assert "".join(str(data["text"]) for name, data in events if name == "text") == REPLY
    assert events[-1][1]["short_answer"] == "Ottilie Brandvold"


def test_a_stream_that_fails_ends_with_a_problem(open_client: OpenClient) -> None:
    with open_client(Unreachable("The model server is away.")) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post("/v1/ask", json={"question": QUESTION}, headers={"accept": "text/event-stream"})
    name, problem = events_of(response.text)[-1]
    assert name == "error"
    assert problem["status"] == 503
    assert problem["detail"] == "The model server is away."
    assert problem["instance"] == "/v1/ask"
    assert problem["usage"] == {"llm_calls": 1, "prompt_tokens": 10, "completion_tokens": 5}, "what it had cost by then"


def test_what_nobody_foresaw_is_logged_and_not_told(open_client: OpenClient, caplog: pytest.LogCaptureFixture) -> None:
    with open_client(RuntimeError("secret path /etc/x")) as client, caplog.at_level(logging.WARNING):
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        response = client.post("/v1/ask", json={"question": QUESTION})
    assert response.status_code == 500
    assert response.headers["content-type"] == PROBLEM
    assert "secret" not in response.text
    assert "secret path" in caplog.text


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_unknown_collection_is_a_404_in_both_forms(open_client: OpenClient, accept: str) -> None:
    with open_client() as client:
        response = client.post(
            "/v1/ask", json={"question": "Who?", "collection": "nowhere"}, headers={"accept": accept}
        )
    assert response.status_code == 404
    assert response.headers["content-type"] == PROBLEM
    assert "nowhere" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status", "names"),
    [
        ("/v1/ask", {"question": "  "}, 400, "empty"),
        ("/v1/ask", {}, 422, "question"),
        ("/v1/ask", {"question": "Who?", "deadline": -1}, 422, "deadline"),
        ("/v1/ask", {"question": "Who?", "mode": "sometimes"}, 422, "mode"),
        ("/v1/ask", {"question": "Who?", "colection": "x"}, 422, "colection"),
        ("/v1/ask", {"question": "Who?", "collection": "../x"}, 422, "collection"),
        ("/v1/search", {"query": ""}, 400, "empty"),
        ("/v1/search", {"query": "x", "limit": 1000}, 422, "limit"),
        ("/v1/documents", {"documents": []}, 422, "documents"),
        ("/v1/documents", {"documents": [{"title": "x"}]}, 422, "documents.0.text"),
    ],
)
def test_a_wrong_request_gets_one_line_that_names_the_field(
    client: TestClient, path: str, body: dict[str, object], status: int, names: str
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM
    problem = response.json()
    assert names in problem["detail"]
    assert "\n" not in problem["detail"]
    assert (problem["status"], problem["instance"]) == (status, path)


def test_a_body_that_is_no_json_is_said_to_be_none(client: TestClient) -> None:
    response = client.post("/v1/ask", content="{question", headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert "not valid JSON" in response.json()["detail"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/ask", 405)])
def test_unknown_addresses_and_methods_are_problems_too(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert "/docs" in response.json()["detail"]


def test_search_gives_passages_with_their_place(client: TestClient) -> None:
    [hit] = client.post("/v1/search", json={"query": "born in Kestmark", "limit": 1}).json()["hits"]
    assert hit["document_id"] == "surveyor"
    assert hit["source"] == "surveyor.md"
    text = client.get("/v1/documents/surveyor").json()["text"]
    assert text[hit["start"] : hit["end"]] == hit["text"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
def test_search_has_three_modes(client: TestClient, mode: str) -> None:
    hits = client.post("/v1/search", json={"query": "narrow-gauge line", "mode": mode}).json()["hits"]
    assert hits[0]["document_id"] == "railway"
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))


def test_search_goes_by_the_settings_where_the_request_does_not_say(settings: Settings) -> None:
    settings = settings.model_copy(update={"search": SearchSettings(mode="sparse")})
    with TestClient(create_app(settings, parts=Parts(settings, encoder=HashingEncoder()), page=False)) as client:
        client.headers["host"] = "127.0.0.1"
        client.post("/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
        assert client.post("/v1/search", json={"query": "zebra"}).json() == {"hits": []}
        assert client.post("/v1/search", json={"query": "zebra", "mode": "dense"}).json()["hits"] != []


def test_no_document_stops_the_server_from_asking_but_says_so(open_client: OpenClient) -> None:
    with open_client() as client:
        assert client.get("/v1/documents").json() == {"collection": "documents", "documents": []}
        assert client.get("/v1/collections").json() == {"collections": ["documents"], "default": "documents"}
        response = client.post("/v1/ask", json={"question": "Who?"})
    assert response.status_code == 404
    assert "ingest" in response.json()["detail"]


def test_readiness_names_what_is_missing_and_health_does_not_care(settings: Settings) -> None:
    app = create_app(settings, parts=Parts(settings, encoder=HashingEncoder()), page=False)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == PROBLEM
    assert set(response.json()["parts"]) == {"llm"}
    assert "models pull" in response.json()["detail"]


def test_a_model_server_that_does_not_answer_is_named(settings: Settings) -> None:
    # Port 9 (discard) of loopback has no listener.
    llm = settings.llm.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    app_settings = settings.model_copy(update={"llm": llm})
    app = create_app(app_settings, parts=Parts(app_settings, encoder=HashingEncoder()), page=False)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert "127.0.0.1:9" in client.get("/readyz").json()["parts"]["llm"]


def test_a_database_of_conversations_that_cannot_be_used_is_named(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"threads": ThreadSettings(url=SecretStr("mysql://box/hopcite"))})
    parts = Parts(elsewhere, encoder=HashingEncoder(), chat=ScriptedChat([]))
    with TestClient(create_app(elsewhere, parts=parts, page=False), base_url="http://127.0.0.1") as client:
        response = client.get("/readyz")
    assert response.status_code == 503
    assert "threads.url" in response.json()["parts"]["threads"]


def test_a_model_server_may_be_named_with_a_slash_at_the_end(settings: Settings) -> None:
    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.end_headers()

        def log_request(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever).start()
    llm = settings.llm.model_copy(update={"base_url": f"http://127.0.0.1:{server.server_port}/v1/"})
    parts = Parts(settings.model_copy(update={"llm": llm}), encoder=HashingEncoder())
    try:
        assert asyncio.run(faults(parts)) == {}
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_with_all_its_parts_is_ready(client: TestClient) -> None:
    assert client.get("/readyz").status_code == 200


def test_the_documentation_page_and_schema_are_whole_and_our_own(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "https://" not in page
    for path in ("/docs-assets/swagger-ui-bundle.js", "/docs-assets/swagger-ui.css"):
        assert path in page
        assert client.get(path).status_code == 200
    schema = client.get("/openapi.json").json()
    named = set(_references(schema))
    assert {name.removeprefix("#/components/schemas/") for name in named} <= set(schema["components"]["schemas"])
    assert {"multipart/form-data", "application/json"} == set(
        schema["paths"]["/v1/documents"]["post"]["requestBody"]["content"]
    )


def _references(tree: object) -> list[str]:
    if isinstance(tree, dict):
        own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        return own + [name for value in tree.values() for name in _references(value)]
    if isinstance(tree, list):
        return [name for value in tree for name in _references(value)]
    return []
