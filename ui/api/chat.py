"""`/v1/chat/completions` and `/v1/models`: the OpenAI-compatible door, so that chat clients work unchanged."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response

from agent import AnswerOptions
from hopcite.errors import NotFound
from hopcite.types import Answer
from hopcite.wire import AnswerBody
from ui.api.ask import Shared
from ui.api.chat_bodies import (
    ChatBody,
    Choice,
    CompletionBody,
    ModelBody,
    ModelsBody,
    ReplyMessage,
    TokensBody,
)
from ui.api.chat_stream import ChunkDialect, completion_id
from ui.api.chat_text import reply_text
from ui.api.errors import OpenAIErrorBody
from ui.api.stream import Emit, event_stream, while_connected
from ui.state import Parts

_OWNER = "hopcite"
_STARTED = int(time.time())
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIErrorBody, "description": "The request must be changed"},
    "5XX": {"model": OpenAIErrorBody, "description": "The server could not answer"},
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The reply. With `stream`, Server-Sent Events: `chat.completion.chunk` objects, then `[DONE]`. The text "
            "comes in one piece, once its quotes are checked; comments name the stages before. Disconnecting cancels "
            "the work."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

router = APIRouter(prefix="/v1", tags=["chat clients"], responses=_ERRORS)


@router.post(
    "/chat/completions", summary="Ask as OpenAI's clients do", response_model=CompletionBody, responses=_STREAM
)
async def complete(body: ChatBody, request: Request, parts: Shared) -> Response | CompletionBody:
    """Answer the user's last message from the documents. Follow-ups are understood from the messages before it."""
    collection = _collection_of(body.model)
    options = replace(AnswerOptions.from_settings(parts.settings), earlier=body.earlier)

    def run(emit: Emit | None = None) -> Coroutine[Any, Any, Answer]:
        return parts.ask(body.question, options=options, collection=collection, on_event=emit)

    if body.stream:
        # Opened before the stream starts, so that an unknown collection still gets its status.
        await parts.collection(collection)
        dialect = ChunkDialect(body.model, include_usage=body.include_usage)
        return event_stream(run, dialect=dialect, instance=request.url.path)
    return _completion(await while_connected(request, run()), body.model)


@router.get("/models", summary="List what can be asked")
async def models(parts: Shared) -> ModelsBody:
    """The collections, as models."""
    return ModelsBody(data=[ModelBody(id=name, created=_STARTED) for name in await _names(parts)])


@router.get("/models/{model:path}", summary="Look up what can be asked")
async def show(model: str, parts: Shared) -> ModelBody:
    """One collection, as a model."""
    if model not in await _names(parts):
        raise _unknown(model)
    return ModelBody(id=model, created=_STARTED)


async def _names(parts: Parts) -> list[str]:
    return [_OWNER, *(f"{_OWNER}/{name}" for name in await parts.collections())]


def _collection_of(model: str) -> str | None:
    """The collection that a model's name stands for; None is the default one. Raises `NotFound`."""
    owner, slash, name = model.partition("/")
    if owner != _OWNER or bool(slash) != bool(name):
        raise _unknown(model)
    return name or None


def _unknown(model: str) -> NotFound:
    return NotFound(
        f"There is no model {model!r}: {_OWNER!r} asks the default collection, '{_OWNER}/NAME' another one; "
        "GET /v1/models lists them."
    )


def _completion(answer: Answer, model: str) -> CompletionBody:
    return CompletionBody(
        id=completion_id(),
        created=int(time.time()),
        model=model,
        choices=[Choice(message=ReplyMessage(content=reply_text(answer)))],
        usage=TokensBody.from_usage(answer.usage),
        hopcite=AnswerBody.from_answer(answer),
    )
