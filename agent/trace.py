"""The trace of an answer: state as JSON values, the reranker recorded, and the whole put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

from hopcite.budget import Budget
from hopcite.recording import Recorder, RecordingChat, recorded
from hopcite.types import Chunk, Hit, Trace
from retrieval.rerank.port import Ranking, Reranker

if TYPE_CHECKING:
    from agent.context import AnswerOptions, Deps


class RecordingReranker:
    """`retrieval.rerank.port.Reranker`, each call of it recorded."""

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker

    @property
    def name(self) -> str:
        """Method and model."""
        return self._reranker.name

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates."""

        def request() -> Mapping[str, object]:
            return {"query": query, "candidates": [chunk.id for chunk in candidates]}

        with recorded("rerank", self.name, request, budget) as call:
            ranking = await self._reranker.rerank(query, candidates, budget=call.budget)
            call.reply = {"scores": list(ranking.scores), "order": list(ranking.order)}
            call.facts = {"valid": ranking.valid, "places_only": ranking.places_only, "notes": list(ranking.notes)}
            return ranking

    async def aclose(self) -> None:
        """Close the reranker."""
        await self._reranker.aclose()


def recording(deps: Deps) -> Deps:
    """The same parts, with every call of the chat and the reranker recorded."""
    return replace(deps, chat=RecordingChat(deps.chat), reranker=RecordingReranker(deps.reranker))


def trace_of(recorder: Recorder, options: AnswerOptions) -> Trace:
    """What the recorder heard, calls in the order in which they began."""
    return Trace(
        events=tuple(recorder.events),
        calls=tuple(sorted(recorder.calls, key=lambda call: call.id)),
        options={name: value for name, value in _fields(options).items() if name != "trace"},
        started=recorder.started.isoformat(timespec="milliseconds"),
    )


def plain(value: object) -> object:
    """JSON values. A passage is its id, a hit its passage's id with place and scores: the answer has the texts."""
    if isinstance(value, Chunk):
        return value.id
    if isinstance(value, Hit):
        return {"chunk_id": value.chunk.id, **{k: v for k, v in _fields(value).items() if k != "chunk"}}
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _fields(value: object) -> dict[str, object]:
    with suppress(TypeError):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type] # a dataclass
    return {}


def state_json(state: Mapping[str, object]) -> dict[str, object]:
    """The state without its events, which the trace lists anyway."""
    return {name: plain(value) for name, value in state.items() if name != "events"}
