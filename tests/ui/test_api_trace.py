"""The trace over REST, and answers without a writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.conftest import DOCUMENTS, QUESTION, REPLY, OpenClient
from tests.ui.test_cli import hopcite, refused


def test_a_trace_comes_with_the_answer_when_asked_for(open_client: OpenClient) -> None:
    with open_client(REPLY, REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        plain = client.post("/v1/ask", json={"question": QUESTION}).json()
        traced = client.post("/v1/ask", json={"question": QUESTION, "trace": True}).json()
    assert set(traced) - set(plain) == {"trace"}
    trace = traced["trace"]
    assert (trace["version"], trace["options"]["mode"]) == (1, "never")
    assert [event["node"] for event in trace["events"]] == ["search", "rerank", "write", "verify"]
    [written] = [call for call in trace["calls"] if call["kind"] == "complete"]
    assert (written["reply"], written["model"]) == (REPLY, "scripted")


def test_the_stream_ends_with_the_traced_answer(open_client: OpenClient) -> None:
    with open_client(REPLY) as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        body = {"question": QUESTION, "trace": True}
        told = client.post("/v1/ask", json=body, headers={"accept": "text/event-stream"}).text
    last = told.strip().split("\n\n")[-1]
    assert last.startswith("event: answer\n")
    assert json.loads(last.partition("data: ")[2])["trace"]["calls"]


def test_without_a_writer_the_evidence_is_quoted(open_client: OpenClient) -> None:
    with open_client() as client:  # a chat that must not be asked
        client.post("/v1/documents", json={"documents": DOCUMENTS})
        answer = client.post("/v1/ask", json={"question": QUESTION, "write": False}).json()
    assert (answer["status"], answer["usage"]["llm_calls"]) == ("partial", 0)
    assert answer["citations"][0]["quote"] == "The Harrow Pass Railway was surveyed by Ottilie Brandvold."


def test_a_trace_that_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    refused(hopcite("ask", "Who?", "--trace", "no/such/file.json", folder=tmp_path), 2, "--trace")


@pytest.mark.models
def test_an_answer_without_any_model_step_and_its_trace_from_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "tarn.md").write_text("# Tarn House\n\nTarn House opened in 1911.\n", encoding="utf-8")
    assert hopcite("ingest", "tarn.md", folder=tmp_path).status == 0
    off = ("--mode", "never", "--rerank", "none", "--no-write")
    done = hopcite("ask", "When did Tarn House open?", *off, "--trace", "t.json", "--json", folder=tmp_path)
    answer, traced = json.loads(done.out), json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert answer["answer"] == "Tarn House opened in 1911. [1]"
    assert (answer["status"], answer["usage"]["llm_calls"]) == ("partial", 0)
    assert [event["node"] for event in traced.pop("trace")["events"]] == ["search", "rerank", "verify"]
    assert traced == answer
