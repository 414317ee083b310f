"""Traces as OpenTelemetry spans: one for the question, one for each node in it, one for each model call in that.

Spans are made from the recorded trace when the answer is done, with the times of what they stand for, so there is one
record of what happened. Attributes follow the GenAI semantic conventions of OpenTelemetry where these name them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from hopcite.errors import SettingsError
from hopcite.recording import Recorder
from hopcite.settings import Settings
from hopcite.types import Answer, ModelCall, TraceEvent

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger("hopcite.telemetry")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_OPERATIONS = {"complete": "chat", "parse": "chat", "label_logprobs": "chat", "rerank": "rerank"}


def tracer_of(settings: Settings) -> Tracer | None:
    """The tracer when spans are asked for, by `telemetry.spans` or by the OTEL_* environment; else None.

    Raises `SettingsError` when the setting asks and the packages are missing; the environment alone is only warned.
    """
    wanted = settings.telemetry.spans
    if wanted is None:
        wanted = _environment_asks()
    if not wanted:
        return None
    try:
        return _tracer()
    except ImportError as exc:
        line = f"Spans need OpenTelemetry ({exc.name} is missing): pip install 'hopcite[otel]'."
        if settings.telemetry.spans:
            raise SettingsError(line) from exc
        log.warning(line)
        return None


def _environment_asks() -> bool:
    """By OpenTelemetry's own variables: an exporter that is named decides, else an endpoint does."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if exporters := os.environ.get("OTEL_TRACES_EXPORTER"):
        return "otlp" in exporters.split(",")
    return any(os.environ.get(name) for name in _ENDPOINTS)


@cache
def _tracer() -> Tracer:
    """A tracer of the process's provider; where none is set yet, one that exports by OTLP over HTTP."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = os.environ.get("OTEL_SERVICE_NAME", "hopcite")
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return trace.get_tracer("hopcite")


def emit_spans(
    tracer: Tracer, recorder: Recorder, question: str, *, answer: Answer | None, error: BaseException | None = None
) -> None:
    """Make and end the spans of one question. Without an answer, `error` says why."""
    from opentelemetry import trace

    zero = int(recorder.started.timestamp() * 1e9)

    def at(ms: float) -> int:
        return zero + int(ms * 1e6)

    content = os.environ.get(_CONTENT, "").lower() == "true"
    root = tracer.start_span(
        "invoke_agent hopcite", start_time=zero, attributes=_root(question, answer, content=content)
    )
    if error is not None:
        _failed(root, type(error).__name__, str(error))
    nodes = [
        tracer.start_span(
            event.node,
            context=trace.set_span_in_context(root),
            start_time=at(event.started_ms or 0.0),
            attributes=_node(event),
        )
        for event in recorder.events
    ]
    calls: dict[int, Span] = {}
    for call in sorted(recorder.calls, key=lambda call: call.id):
        # A call of the node that failed has no event: the question's span is then its parent.
        above = calls[call.parent] if call.parent in calls else nodes[call.event] if call.event < len(nodes) else root
        span = tracer.start_span(
            f"{_OPERATIONS[call.kind]} {call.model}",
            context=trace.set_span_in_context(above),
            kind=trace.SpanKind.CLIENT,
            start_time=at(call.started_ms),
            attributes=_call(call, content=content),
        )
        if call.error:
            _failed(span, call.error.partition(":")[0], call.error)
        calls[call.id] = span
    for call in recorder.calls:
        calls[call.id].end(at(call.started_ms + call.ms))
    for event, span in zip(recorder.events, nodes, strict=True):
        span.end(at((event.started_ms or 0.0) + event.ms))
    root.end(at(recorder.ms()))


def _root(question: str, answer: Answer | None, *, content: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "hopcite"}
    if answer is not None:
        attributes |= {
            "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
            "hopcite.status": answer.status,
            "hopcite.confidence": answer.confidence,
            "hopcite.llm_calls": answer.usage.llm_calls,
            "hopcite.citations": len(answer.citations),
        }
    if content:
        attributes["gen_ai.input.messages"] = _messages([{"role": "user", "content": question}])
        if answer is not None:
            attributes["gen_ai.output.messages"] = _messages([{"role": "assistant", "content": answer.answer}])
    return attributes


def _node(event: TraceEvent) -> dict[str, Any]:
    """What the event says of itself in numbers and names; texts and lists of passages stay in the trace."""
    kept: dict[str, Any] = {
        name: value
        for name, value in event.detail.items()
        if isinstance(value, bool | int | float) or name in ("stage", "method", "skipped", "failed")
    }
    return {f"hopcite.{name}": value for name, value in kept.items()}


def _call(call: ModelCall, *, content: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": _OPERATIONS[call.kind],
        "gen_ai.request.model": call.model,
        "gen_ai.usage.input_tokens": call.prompt_tokens,
        "gen_ai.usage.output_tokens": call.completion_tokens,
        "hopcite.requests": call.calls,
    }
    if call.kind == "rerank":
        candidates = call.request["candidates"]
        attributes["hopcite.candidates"] = len(candidates) if isinstance(candidates, list) else 0
        return attributes
    # Every engine is asked in OpenAI's wire format, and at temperature 0.
    attributes |= {"gen_ai.provider.name": "openai", "gen_ai.request.temperature": 0.0, "gen_ai.request.seed": 0}
    if "max_tokens" in call.request:
        attributes["gen_ai.request.max_tokens"] = call.request["max_tokens"]
    if call.kind == "parse":
        attributes["gen_ai.output.type"] = "json"
    if "finish_reason" in call.facts:
        attributes["gen_ai.response.finish_reasons"] = [call.facts["finish_reason"]]
    if content:
        attributes["gen_ai.input.messages"] = _messages(call.request["messages"])
        reply = call.reply if isinstance(call.reply, str) else json.dumps(call.reply, ensure_ascii=False)
        attributes["gen_ai.output.messages"] = _messages([{"role": "assistant", "content": reply}])
    return attributes


def _messages(messages: object) -> str:
    """As the conventions' JSON has them: a role and parts."""
    told = messages if isinstance(messages, list) else []
    return json.dumps([_message(message) for message in told], ensure_ascii=False)


def _message(message: Mapping[str, str]) -> dict[str, object]:
    return {"role": message["role"], "parts": [{"type": "text", "content": message["content"]}]}


def _failed(span: Span, kind: str, message: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, message))
