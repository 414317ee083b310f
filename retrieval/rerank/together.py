"""Work that is done at once, with an error that reads as if it had been done in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from hopcite.errors import HopciteError

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order. The first error stops what is not done yet, and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as failed:
        known, unknown = failed.split(HopciteError)
        if known is None or unknown is not None:
            raise
        raise known.exceptions[0] from None
    return [task.result() for task in tasks]
