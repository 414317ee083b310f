"""Conversations over REST: a follow-up, what is kept, and what is refused."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from agent.followup import Rewritten
from hopcite.errors import Unreachable
from tests.ui.conftest import DOCUMENTS, QUESTION, REPLY, OpenClient
from tests.ui.test_api import PROBLEM, events_of

FOLLOW_UP = "And when did it open?"
REWRITTEN = Rewritten(question="When did the Harrow Pass Railway open?")
OPENED = "Answer: 1911\nThe Harrow Pass Railway is a narrow-gauge line that opened in 1911 [1]."
STREAM = {"accept": "text/event-stream"}


def ask(client: TestClient, question: str, *, thread: str = "talk") -> dict[str, object]:
    response = client.post("/v1/ask", json={"question": question, "thread": thread})
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


def test_a_conversation_is_asked_listed_read_and_deleted(open_client: OpenClient) -> None:
    with open_client(REPLY, REWRITTEN, OPENED) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        assert client.get("/v1/threads").json() == {"threads": []}
        first, second = ask(client, QUESTION), ask(client, FOLLOW_UP)
        [entry] = client.get("/v1/threads").json()["threads"]
        thread = client.get("/v1/threads/talk").json()
        assert client.delete("/v1/threads/talk").status_code == 204
        assert client.get("/v1/threads").json() == {"threads": []}
        gone = [client.request(method, "/v1/threads/talk") for method in ("GET", "DELETE")]
    assert second["question"] == FOLLOW_UP
    assert second["steps"][0]["question"] == REWRITTEN.question  # type: ignore[index] # JSON
    assert second["short_answer"] == "1911"
    assert (entry["name"], entry["title"], entry["collection"], entry["turns"]) == ("talk", QUESTION, "documents", 2)
    assert [turn["answer"] for turn in thread["turns"]] == [first, second]
    assert [response.status_code for response in gone] == [404, 404]
    assert gone[0].headers["content-type"] == PROBLEM


def test_the_stream_tells_what_is_searched(open_client: OpenClient) -> None:
    with open_client(REPLY, REWRITTEN, OPENED) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        ask(client, QUESTION)
        response = client.post("/v1/ask", json={"question": FOLLOW_UP, "thread": "talk"}, headers=STREAM)
    stages = [data for name, data in events_of(response.text) if name == "stage"]
    assert stages[1] == {
        "stage": "plan",
        "state": "end",
        "detail": {"asked": FOLLOW_UP, "question": REWRITTEN.question},
    }


def test_a_question_that_failed_is_shown_as_unfinished_and_goes_on(open_client: OpenClient) -> None:
    with open_client(Unreachable("The model server is away."), REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        assert client.post("/v1/ask", json={"question": QUESTION, "thread": "talk"}).status_code == 503
        thread = client.get("/v1/threads/talk").json()
        assert (thread["turns"], thread["unfinished"]) == ([], QUESTION)
        assert ask(client, QUESTION)["short_answer"] == "Ottilie Brandvold"
        assert client.get("/v1/threads/talk").json()["unfinished"] == ""


@pytest.mark.parametrize("name", ["a b", "-a", "a" * 65, "ä", "a.b"])
def test_odd_names_are_refused_everywhere(open_client: OpenClient, name: str) -> None:
    with open_client() as client:
        asked = client.post("/v1/ask", json={"question": "Who?", "thread": name})
        read, deleted = client.get(f"/v1/threads/{name}"), client.delete(f"/v1/threads/{name}")
    for response in (asked, read, deleted):
        assert response.status_code == 422
        assert response.headers["content-type"] == PROBLEM
    assert "thread" in asked.json()["detail"]


def test_another_collection_is_refused(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        for collection in ("documents", "letters"):
            client.post(f"/v1/documents?collection={collection}", json={"documents": DOCUMENTS})
        ask(client, QUESTION)
        refused = client.post("/v1/ask", json={"question": QUESTION, "thread": "talk", "collection": "letters"})
    assert refused.status_code == 400
    assert "'documents'" in refused.json()["detail"]
