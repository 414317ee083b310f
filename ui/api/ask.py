"""`/v1/ask` and `/v1/search`."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import JSONResponse

from agent import AnswerOptions
from hopcite.settings import Settings
from hopcite.types import Answer
from hopcite.wire import AnswerBody, answer_json
from ui.api.bodies import AskBody, HitBody, HitsBody, SearchBody
from ui.api.errors import problem_responses
from ui.api.stream import Emit, EventDialect, event_stream, while_connected
from ui.state import Parts

router = APIRouter(prefix="/v1")


def parts_of(request: Request) -> Parts:
    """The server's open parts."""
    parts: Parts = request.app.state.parts
    return parts


Shared = Annotated[Parts, Depends(parts_of)]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The answer. With `Accept: text/event-stream`, Server-Sent Events: `stage` (`{stage, state, detail}`) and "
            "`text` (`{text}`, a piece of the draft as it is written) while the answer is made, then one `answer` "
            "(this body) or one `error` (a problem). Disconnecting cancels the work."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/ask",
    tags=["questions"],
    summary="Ask a question",
    response_model=AnswerBody,
    responses={**_STREAM, **problem_responses(400, 404, 409, 422, 502, 503)},
)
async def ask(body: AskBody, request: Request, parts: Shared) -> Response | AnswerBody:
    """Answer a question from the documents, with every claim tied to the words that support it."""
    options = options_of(body, parts.settings)

    def run(emit: Emit | None = None) -> Coroutine[Any, Any, Answer]:
        return parts.ask(body.question, options=options, collection=body.collection, rerank=body.rerank, on_event=emit)

    if wants_stream(request):
        # Opened before the stream starts, so that an unknown collection still gets its status.
        await parts.collection(body.collection)
        return event_stream(run, dialect=EventDialect(trace=body.trace), instance=request.url.path)
    answer = await while_connected(request, run())
    # FastAPI keeps to the response model, which an answer with its trace has more than.
    return JSONResponse(answer_json(answer, trace=True)) if body.trace else AnswerBody.from_answer(answer)


@router.post(
    "/search", tags=["questions"], summary="Search passages", responses=problem_responses(400, 404, 409, 422, 503)
)
async def search(body: SearchBody, parts: Shared) -> HitsBody:
    """The best passages for a query, without a language model."""
    hits = await parts.search(body.query, limit=body.limit, mode=body.mode, collection=body.collection)
    return HitsBody(hits=[HitBody.from_hit(hit) for hit in hits])


def wants_stream(request: Request) -> bool:
    """Whether the caller asks for events."""
    return "text/event-stream" in request.headers.get("accept", "")


def options_of(body: AskBody, settings: Settings) -> AnswerOptions:
    """The settings' options, with what the request has of its own."""
    asked = {
        "mode": body.mode,
        "writer": body.write,
        "evidence": body.evidence,
        "deadline_s": body.deadline,
        "max_llm_calls": body.max_llm_calls,
        "max_tokens": body.max_tokens,
        "thread": body.thread,
    }
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return replace(AnswerOptions.from_settings(settings, rerank=body.rerank), trace=body.trace, **given)
