"""The port to where threads are kept: LangGraph's checkpoints, and one lock for each thread."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

from hopcite.errors import SettingsError, ThreadBusy
from hopcite.settings import Settings


class Store(Protocol):
    """A database of threads. Within `translated`, its errors are `OperatorError` and its kinds."""

    @property
    def saver(self) -> BaseCheckpointSaver[Any]:
        """LangGraph's port. It can prune."""
        ...

    def hold(self, thread: str) -> AbstractAsyncContextManager[None]:
        """Keep a thread from all others, in this process and elsewhere. Raises `ThreadBusy`; it never waits.

        A process that dies lets go of what it held.
        """
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Turn the vendor's errors into ours."""
        ...

    async def forget(self, thread: str) -> None:
        """Delete a thread that is held."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


async def open_store(settings: Settings) -> Store:
    """SQLite in the data folder, or the Postgres that the settings name. Raises `SettingsError`, `OperatorError`."""
    if settings.threads.url is None:
        from agent.store_sqlite import open_sqlite

        return await open_sqlite(settings.data_dir)
    url = settings.threads.url.get_secret_value()
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("The setting 'threads.url' must begin with postgresql://.")
    try:
        from agent.store_postgres import open_postgres
    except ImportError as exc:
        raise SettingsError("The setting 'threads.url' needs an extra: pip install 'hopcite[postgres]'.") from exc
    return await open_postgres(url, threads=settings.llm.concurrency)


def busy(thread: str) -> ThreadBusy:
    """The refusal of a second question."""
    return ThreadBusy(f"The thread {thread!r} is at another question; wait for its answer, or stop it.")
