"""Threads: conversations by name, each with its questions, their answers, and the question that was broken off."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from agent.state import Turn
from agent.store import Store, open_store
from hopcite.errors import NotFound, UsageError
from hopcite.settings import COLLECTION_NAME, Settings

THREAD_NAME = COLLECTION_NAME
"""The same pattern: the name becomes that of a file, and part of an address."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, oldest turn first. `unfinished` is a question that has no answer yet, or empty."""

    name: str
    collection: str
    turns: tuple[Turn, ...]
    unfinished: str
    updated_at: str
    """ISO 8601, UTC."""

    @property
    def title(self) -> str:
        """Its first question."""
        return self.turns[0].answer.question if self.turns else self.unfinished


class Threads:
    """The conversations of a data folder, or of the database that the settings name. Opened on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._store: Store | None = None

    async def all(self) -> list[Thread]:
        """Every thread, the one used last first."""
        store = await self._open()
        found: dict[str, Thread] = {}
        with store.translated():
            async for stored in store.saver.alist(None):  # newest checkpoint first
                name = _name_of(stored)
                if name not in found:
                    found[name] = _thread(stored)
        return sorted(found.values(), key=lambda thread: thread.updated_at, reverse=True)

    async def get(self, name: str) -> Thread:
        """One thread. Raises `NotFound`."""
        store = await self._open()
        with store.translated():
            stored = await store.saver.aget_tuple(config_of(checked_name(name)))
        if stored is None:
            raise NotFound(f"No thread {name!r}; `hopcite threads list` names them.")
        return _thread(stored)

    async def delete(self, names: Sequence[str]) -> int:
        """Delete threads; how many there were. With an unknown one (`NotFound`) or a busy one, it ends there."""
        names = list(dict.fromkeys(names))
        for name in names:
            await self.get(name)
        store = await self._open()
        for name in names:
            with store.translated():
                async with store.hold(name):
                    await store.forget(name)
        return len(names)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[Store]:
        """The store, with this thread held by the caller alone. Raises `ThreadBusy`."""
        checked_name(name)
        store = await self._open()
        with store.translated():
            async with store.hold(name):
                yield store

    async def aclose(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            await self._store.aclose()
            self._store = None

    async def _open(self) -> Store:
        async with self._opening:
            if self._store is None:
                self._store = await open_store(self._settings)
            return self._store


def checked_name(name: str) -> str:
    """The name, if it is one. Raises `UsageError`."""
    if not re.fullmatch(THREAD_NAME, name):
        raise UsageError(f"{name!r} is no thread name: use 1 to 64 letters, digits, '-' and '_'.")
    return name


def config_of(name: str) -> RunnableConfig:
    """How LangGraph is told of a thread."""
    return {"configurable": {"thread_id": name, "checkpoint_ns": ""}}


def _name_of(stored: CheckpointTuple) -> str:
    return str(stored.config["configurable"]["thread_id"])


def _thread(stored: CheckpointTuple) -> Thread:
    values: Mapping[str, Any] = stored.checkpoint["channel_values"]
    # Before its first node, a run has its input here and nothing else.
    values = {**values, **values.get("__start__", {})}
    return Thread(
        name=_name_of(stored),
        collection=values.get("collection", ""),
        turns=tuple(values.get("turns", ())),
        unfinished=values.get("asked", ""),
        updated_at=stored.checkpoint["ts"],
    )
