"""Spans of a question, as OpenTelemetry's own exporter in memory gets them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from agent import AnswerOptions, Deps, answer_question
from agent.telemetry import tracer_of
from hopcite.errors import Unreachable
from hopcite.recording import RecordingChat
from hopcite.settings import Settings, TelemetrySettings
from hopcite.types import Answer
from hopcite.wire import trace_json
from retrieval import Collection, open_collection
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.yes_no import YesNo
from tests.agent.test_graph import QUESTION, REPLY, Script, chunks
from tests.fakes import HashingEncoder, ScriptedChat

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """A process has one provider; only these tests ask for spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def collection(tmp_path: Path, exporter: InMemorySpanExporter) -> Iterator[Collection]:
    exporter.clear()
    opened = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    opened.add(chunks())
    yield opened
    opened.close()


def ask(collection: Collection, script: Script, *, spans: bool | None = True) -> Answer:
    chat = RecordingChat(ScriptedChat([{"yes": -0.1}, {"yes": -0.3}, {"yes": -0.2}, *script]))
    settings = Settings(telemetry=TelemetrySettings(spans=spans))
    deps = Deps(settings, collection, ChatReranker(chat, YesNo()), chat)
    return asyncio.run(answer_question(QUESTION, deps=deps, options=AnswerOptions(mode="never")))


def by_name(exporter: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    id_: int = span.parent.span_id
    return id_


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    id_: int = span.context.span_id
    return id_


def test_a_question_is_a_tree_of_nodes_and_calls(collection: Collection, exporter: InMemorySpanExporter) -> None:
    answer = ask(collection, [REPLY])
    spans = by_name(exporter)
    [root], [rerank], [write] = spans["invoke_agent hopcite"], spans["rerank"], spans["write"]
    assert root.parent is None
    assert {parent(spans[node][0]) for node in ("search", "rerank", "write", "verify")} == {id_of(root)}
    [reranking] = [span for name, found in spans.items() if name.startswith("rerank ") for span in found]
    assert parent(reranking) == id_of(rerank)
    assert [parent(span) for span in spans["chat scripted"]] == [id_of(reranking)] * 3 + [id_of(write)]
    for span in exporter.get_finished_spans():
        assert span.start_time is not None
        assert span.end_time is not None
        assert (root.start_time or 0) <= span.start_time <= span.end_time <= (root.end_time or 0)
    assert facts(root)["hopcite.status"] == answer.status == "answered"
    assert facts(root)["gen_ai.usage.input_tokens"] == 40


def test_a_call_has_the_attributes_of_the_conventions(collection: Collection, exporter: InMemorySpanExporter) -> None:
    ask(collection, [REPLY])
    written = by_name(exporter)["chat scripted"][-1]
    assert written.kind == trace.SpanKind.CLIENT
    assert facts(written) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "scripted",
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.seed": 0,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "hopcite.requests": 1,
    }


def test_texts_are_told_only_when_asked_for(
    collection: Collection, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(collection, [REPLY])
    assert all("Harrow" not in str(facts(span)) for span in exporter.get_finished_spans())
    exporter.clear()
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    ask(collection, [REPLY])
    written = by_name(exporter)["chat scripted"][-1]
    [message] = json.loads(facts(written)["gen_ai.output.messages"])
    assert message == {"role": "assistant", "parts": [{"type": "text", "content": REPLY}]}
    assert json.loads(facts(written)["gen_ai.input.messages"])[0]["role"] == "system"


def test_a_question_that_fails_is_a_span_with_its_error(collection: Collection, exporter: InMemorySpanExporter) -> None:
    with pytest.raises(Unreachable):
        ask(collection, [Unreachable("no server")])
    spans = by_name(exporter)
    [root] = spans["invoke_agent hopcite"]
    assert (root.status.status_code, facts(root)["error.type"]) == (StatusCode.ERROR, "Unreachable")
    failed = spans["chat scripted"][-1]
    assert (facts(failed)["error.type"], parent(failed)) == ("Unreachable", id_of(root))


def test_spans_leave_the_answers_trace_short(collection: Collection, exporter: InMemorySpanExporter) -> None:
    told = trace_json(ask(collection, [REPLY]).trace)
    assert (told["started"], told["calls"]) == (None, [])
    assert [set(event) for event in told["events"]] == [{"node", "ms", "detail"}] * 4


@pytest.mark.parametrize(
    ("spans", "environ", "asked"),
    [
        (None, {}, False),
        (None, {"OTEL_TRACES_EXPORTER": "none"}, False),
        (None, {"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (None, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        (False, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        (True, {}, True),
    ],
)
def test_spans_are_on_when_the_environment_or_the_setting_asks(
    exporter: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    spans: bool | None,
    environ: dict[str, str],
    asked: bool,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert (tracer_of(Settings(telemetry=TelemetrySettings(spans=spans))) is not None) is asked


def test_unasked_for_no_exporter_is_even_imported() -> None:
    code = (
        "import sys; from agent.telemetry import tracer_of; from hopcite.settings import Settings; "
        "assert tracer_of(Settings()) is None; "
        "sys.exit('opentelemetry.exporter.otlp.proto.http.trace_exporter' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 0
