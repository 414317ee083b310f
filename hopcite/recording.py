"""Recording what is asked of the models: a wrapper round `Chat` that is silent unless a recorder listens.

Whoever wants the calls of some work runs it inside `listening(recorder)`. A call within a call, such as those that a
reranker makes of a chat, knows its parent; a chat behind another chat, such as a cache, is recorded once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hopcite.budget import Budget
from hopcite.chat import Chat, Completion, Message, T
from hopcite.types import CallKind, ModelCall, TraceEvent


class Recorder:
    """What happens on the way to one answer: the stages as they end, and every model call."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self.events: list[TraceEvent] = []
        self.calls: list[ModelCall] = []
        """In the order in which they ended."""
        self._clock = time.perf_counter()
        self._begun = 0

    def ms(self) -> float:
        """Milliseconds since the recorder was made."""
        return (time.perf_counter() - self._clock) * 1000

    def begin(self) -> int:
        """The number of a call that begins now, from 1."""
        self._begun += 1
        return self._begun


@dataclass
class OpenCall:
    """A call under way. It is to be made with this budget, which tells its cost from that of its neighbours."""

    kind: CallKind
    budget: Budget
    id: int | None = None
    reply: object = None
    facts: dict[str, object] = field(default_factory=dict)
    """What is known of the reply beside its content, such as why it ended."""


_listener: ContextVar[Recorder | None] = ContextVar("listener", default=None)
_under_way: ContextVar[OpenCall | None] = ContextVar("under_way", default=None)


@contextmanager
def listening(recorder: Recorder | None) -> Iterator[None]:
    """Have `recorder` hear of every call inside, tasks started there included. None: nobody listens."""
    token = _listener.set(recorder)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def recorded(
    kind: CallKind, model: str, request: Callable[[], Mapping[str, object]], budget: Budget
) -> Iterator[OpenCall]:
    """Record a call, whether it succeeds or not; the caller puts the reply into what is yielded."""
    recorder, outer = _listener.get(), _under_way.get()
    if recorder is None or (outer is not None and outer.kind != "rerank"):
        yield OpenCall(kind, budget)
        return
    call = OpenCall(kind, budget.within(budget.remaining_s), id=recorder.begin())
    before = (call.budget.llm_calls, call.budget.prompt_tokens, call.budget.completion_tokens)
    started_ms, event = recorder.ms(), len(recorder.events)
    token = _under_way.set(call)
    error: str | None = None
    try:
        yield call
    except BaseException as exc:
        error = f"{type(exc).__name__}: {exc}".removesuffix(": ")
        raise
    finally:
        _under_way.reset(token)
        after = (call.budget.llm_calls, call.budget.prompt_tokens, call.budget.completion_tokens)
        calls, prompt_tokens, completion_tokens = (b - a for a, b in zip(before, after, strict=True))
        recorder.calls.append(
            ModelCall(
                id=call.id or 0,
                parent=outer.id if outer else None,
                event=event,
                kind=kind,
                model=model,
                started_ms=started_ms,
                ms=recorder.ms() - started_ms,
                request=request(),
                reply=call.reply,
                facts=call.facts,
                calls=calls,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                error=error,
            )
        )


class RecordingChat:
    """`hopcite.chat.Chat`, each call of it recorded. Without a listener it costs next to nothing."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def model(self) -> str:
        """The model's name."""
        return self._chat.model

    @property
    def context_tokens(self) -> int:
        """Size of the window."""
        return self._chat.context_tokens

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Write a reply."""

        def request() -> Mapping[str, object]:
            return {"messages": list(messages), "max_tokens": max_tokens, "stop": list(stop)}

        with recorded("complete", self.model, request, budget) as call:
            reply = await self._chat.complete(
                messages, max_tokens=max_tokens, budget=call.budget, stop=stop, on_text=on_text
            )
            call.reply, call.facts = reply.text, {"finish_reason": reply.finish_reason}
            return reply

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        """Reply with JSON that satisfies `schema`. A repair counts as a further one of the call's `calls`."""

        def request() -> Mapping[str, object]:
            return {"messages": list(messages), "max_tokens": max_tokens, "schema": schema.__name__}

        with recorded("parse", self.model, request, budget) as call:
            reply = await self._chat.parse(messages, schema, max_tokens=max_tokens, budget=call.budget)
            call.reply = reply.model_dump(mode="json")
            return reply

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        """Log-probabilities of `labels` as the reply's first token."""

        def request() -> Mapping[str, object]:
            return {"messages": list(messages), "labels": list(labels)}

        with recorded("label_logprobs", self.model, request, budget) as call:
            reply = await self._chat.label_logprobs(messages, labels, budget=call.budget)
            call.reply = dict(reply)
            return reply

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text`; no call of the model."""
        return await self._chat.count_tokens(text)

    async def aclose(self) -> None:
        """Close the chat."""
        await self._chat.aclose()
