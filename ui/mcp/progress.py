"""Progress: each stage of a question as it begins, and a sign of life while a stage is long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from agent import StageEvent
from hopcite.types import Answer
from ui.text import stage_line

Say = Callable[[str], Awaitable[None]]
Emit = Callable[[StageEvent], None]

# Clients that give up on a silent call commonly wait for a minute.
HEARTBEAT_S = 15.0


async def told(
    run: Callable[[Emit], Coroutine[Any, Any, Answer]], say: Say, *, heartbeat_s: float = HEARTBEAT_S
) -> Answer:
    """The answer of `run`, whose stages `say` tells the caller. Whoever cancels this cancels the run."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def emit(event: StageEvent) -> None:
        if (line := stage_line(event)) is not None:
            lines.put_nowait(line)

    # A task of its own: the SDK cancels a call again at every step of its cleaning up, a task is cancelled once.
    task = asyncio.create_task(run(emit))
    task.add_done_callback(lambda _: lines.put_nowait(None))
    said = "Waiting to begin…"
    try:
        while True:
            try:
                line = await asyncio.wait_for(lines.get(), heartbeat_s)
            except TimeoutError:
                line = said
            if line is None:
                return await task
            said = line
            await say(said)
    finally:
        task.cancel()
