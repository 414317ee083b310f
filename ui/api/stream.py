"""Long answers: Server-Sent Events while an answer is made, and the end of the work when its caller goes away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from agent import StageEvent
from hopcite.types import Answer
from hopcite.wire import answer_json
from ui.api.errors import Problem, problem_of

T = TypeVar("T")
log = logging.getLogger("hopcite.server")
Emit = Callable[[StageEvent], None]

# Proxies commonly close a connection that is silent for 30 or 60 seconds.
HEARTBEAT_S = 10.0


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the caller disconnects."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            # Nobody reads this: it ends the request, and 499 is what proxies log for it.
            raise HTTPException(499, "The caller went away.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Dialect(Protocol):
    """How a stream says things. Each method gives whole events, or none."""

    def begun(self) -> bytes:
        """What the stream starts with."""
        ...

    def stage(self, event: StageEvent) -> bytes:
        """Progress."""
        ...

    def answer(self, answer: Answer) -> bytes:
        """What the stream ends with."""
        ...

    def failed(self, problem: Problem) -> bytes:
        """What it ends with when there is no answer."""
        ...


class EventDialect:
    """`stage` and `text` events, then one `answer` (with its trace) or one `error` (a problem)."""

    def __init__(self, *, trace: bool) -> None:
        self._trace = trace

    def begun(self) -> bytes:
        """A comment, so that the caller knows at once."""
        return b": connected\n\n"

    def stage(self, event: StageEvent) -> bytes:
        """A `text` event for a piece of the draft, else a `stage` event."""
        if event.state == "text":
            return _event("text", {"text": event.detail["text"]})
        return _event("stage", {"stage": event.stage, "state": event.state, "detail": dict(event.detail)})

    def answer(self, answer: Answer) -> bytes:
        """An `answer` event."""
        return _event("answer", answer_json(answer, trace=self._trace))

    def failed(self, problem: Problem) -> bytes:
        """An `error` event."""
        return _event("error", problem.model_dump())


def event_stream(
    run: Callable[[Emit], Coroutine[Any, Any, Answer]],
    *,
    dialect: Dialect,
    instance: str,
    heartbeat_s: float = HEARTBEAT_S,
) -> StreamingResponse:
    """Run, and report in this dialect. What keeps a silent connection open are comments, which every reader skips.

    The server cancels the iterator, and with it the run, when the caller disconnects.
    """
    return StreamingResponse(
        _events(run, dialect, instance, heartbeat_s),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(
    run: Callable[[Emit], Coroutine[Any, Any, Answer]], dialect: Dialect, instance: str, heartbeat_s: float
) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def work() -> None:
        try:
            answer = await run(lambda event: queue.put_nowait(dialect.stage(event)))
            queue.put_nowait(dialect.answer(answer))
        except Exception as exc:  # the status line has been sent: the stream itself must tell the failure
            problem = problem_of(exc, instance=instance)
            if problem.status == 500:
                log.exception("POST %s", instance)
            queue.put_nowait(dialect.failed(problem))
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(work())
    try:
        yield dialect.begun()
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), heartbeat_s)
            except TimeoutError:
                event = b": still working\n\n"
            if event is None:
                return
            if event:
                yield event
    finally:
        task.cancel()


def _event(name: str, data: object) -> bytes:
    # JSON has no raw line breaks, so the data is always one line.
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
