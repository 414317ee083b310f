"""A question as part of a thread: its state is stored after every node, and a run that broke off goes on there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast

from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.context import Context
from agent.graph import Graph, compile_graph
from agent.state import Spent, State, Turn, blank
from agent.store import Store
from agent.threads import config_of
from hopcite.errors import UsageError
from hopcite.types import Answer, Trace

# Every checkpoint is on disk before the next node starts: what was paid for is never lost.
_DURABILITY: Final = "sync"


async def run_in_thread(name: str, question: str, *, key: str, store: Store, context: Context) -> State:
    """Run the question in a thread that the caller holds, or go on with it where an earlier run of it stopped.

    `key` stands for all else that decides the answer: a run with another key begins anew. Raises `UsageError` when the
    thread is about another collection.
    """
    graph, config = _graph(store.saver), config_of(name)
    stored = cast("State", (await graph.aget_state(config)).values)
    collection = context.deps.collection.name
    if stored.get("collection", collection) != collection:
        raise UsageError(
            f"The thread {name!r} is about the collection {stored['collection']!r}, not {collection!r}; "
            "name that one, or begin another thread."
        )
    if (stored.get("asked"), stored.get("key")) == (question, key):
        _charge(context, stored["spent"])
        update: State | None = None
    else:
        asked = {"asked": question, "question": question, "key": key, "collection": collection}
        update = cast("State", {**blank(), **asked})
    return cast("State", await graph.ainvoke(update, config, context=context, durability=_DURABILITY))


async def record(name: str, answer: Answer, *, shown: int, store: Store) -> None:
    """End the question with a turn of the thread. Of the evidence it keeps the first `shown`, and what is cited."""
    cited = {citation.chunk_id for citation in answer.citations}
    evidence = tuple(hit for hit in answer.evidence if hit.rank <= shown or hit.chunk.id in cited)
    turn = Turn(replace(answer, evidence=evidence, trace=Trace()), datetime.now(UTC).isoformat(timespec="seconds"))
    await _graph(store.saver).aupdate_state(config_of(name), {**blank(), "turns": [turn]}, as_node="verify")
    await store.saver.aprune([name])


def _charge(context: Context, spent: Spent) -> None:
    """The bill of the run that broke off is part of this one's; its time is no part of this one's deadline."""
    context.budget.charge(
        calls=spent.llm_calls,
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
        saved_s=spent.seconds,
    )
    if context.budget.deadline_s is not None:
        context.budget.deadline_s += spent.seconds


@lru_cache(maxsize=1)
def _graph(saver: BaseCheckpointSaver[Any]) -> Graph:
    """One process has one store, so one graph is enough."""
    return compile_graph(saver)
