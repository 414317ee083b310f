"""`/v1/threads`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from agent import THREAD_NAME
from ui.api.ask import Shared
from ui.api.bodies import ThreadBody, ThreadEntry, ThreadsBody
from ui.api.errors import problem_responses

router = APIRouter(prefix="/v1", tags=["conversations"])
Name = Annotated[str, Path(pattern=THREAD_NAME)]


@router.get("/threads", summary="List conversations", responses=problem_responses(503))
async def threads(parts: Shared) -> ThreadsBody:
    """The conversations of this server, the one used last first."""
    return ThreadsBody(threads=[ThreadEntry.from_thread(thread) for thread in await parts.threads.all()])


@router.get("/threads/{name}", summary="Read a conversation", responses=problem_responses(404, 422, 503))
async def show(name: Name, parts: Shared) -> ThreadBody:
    """A conversation with its questions and answers."""
    return ThreadBody.from_thread(await parts.threads.get(name))


@router.delete(
    "/threads/{name}",
    summary="Delete a conversation",
    status_code=204,
    responses=problem_responses(404, 409, 422, 503),
)
async def delete(name: Name, parts: Shared) -> None:
    """Forget a conversation."""
    await parts.threads.delete([name])
