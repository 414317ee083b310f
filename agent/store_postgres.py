"""Threads in Postgres, for several servers at once. Needs the extra `postgres`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, Error
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from agent.serde import StateSerializer
from agent.store import busy
from hopcite.errors import Unreachable

_TIMEOUT_S = 10.0
# Connections beside those that each hold a thread while it answers.
_SPARE = 4
# An advisory lock has a number for a name; the prefix keeps it apart from other programs' in the same database.
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('hopcite thread ' || %s, 0)) AS held"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('hopcite thread ' || %s, 0))"


class PostgresStore:
    """A pool of connections, which replaces those that break."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool
        self.saver = AsyncPostgresSaver(pool, serde=StateSerializer())

    @asynccontextmanager
    async def hold(self, thread: str) -> AsyncIterator[None]:
        """Lock the thread's name; the lock lives as long as its connection."""
        async with self._pool.connection() as db:
            row = await (await db.execute(_LOCK, (thread,))).fetchone()
            if row is None or not row["held"]:
                raise busy(thread)
            try:
                yield
            finally:
                await db.execute(_UNLOCK, (thread,))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """All of them say that the database cannot be used; the first line says why."""
        try:
            yield
        except Error as exc:
            reason = str(exc).partition("\n")[0]
            raise Unreachable(f"The database of threads.url cannot be used: {reason}") from exc

    async def forget(self, thread: str) -> None:
        """Delete the rows."""
        await self.saver.adelete_thread(thread)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.close()


async def open_postgres(url: str, *, threads: int) -> PostgresStore:
    """Connect and make the tables. `threads` may be held at once."""
    pool = AsyncConnectionPool(
        url,
        open=False,
        min_size=1,
        max_size=threads + _SPARE,
        timeout=_TIMEOUT_S,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
    )
    store = PostgresStore(pool)
    try:
        with store.translated():
            # The pool would try again and again, and say in the end that it ran out of time.
            await (await AsyncConnection.connect(url, connect_timeout=int(_TIMEOUT_S))).close()
            await pool.open(wait=True, timeout=_TIMEOUT_S)
            await store.saver.setup()
    except BaseException:
        await store.aclose()
        raise
    return store
