"""The engine `in-process` of the methods that read a reply's first token: a model in this process behind `Chat`.

Prompts that are asked for at once are one batch, whoever asks: those of one list, or of several questions. All of a
batch are answered at once, so that lists whose methods ask in rounds stay together in the next round.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from hopcite.budget import Budget
from hopcite.chat import Message
from hopcite.errors import BudgetExhausted, SettingsError

CONTEXT_TOKENS = 8192  # no method's prompt is longer; prefill grows with its square


class LabelScorer(Protocol):
    """A model that tells how probable labels are as the first token of its reply."""

    def score(
        self, prompts: Sequence[Sequence[Message]], labels: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, dict[str, float], int]]:
        """For each prompt, in any order: its number, its labels' log-probabilities, tokens computed for it. Blocks."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt and who waits for it. An error comes as a result: one that nobody waits for any more is no fault."""

    messages: Sequence[Message]
    labels: Sequence[str]
    future: asyncio.Future[tuple[dict[str, float], int] | Exception]


class InProcessChat:
    """`hopcite.chat.Chat` for labels; it writes no replies. The first call loads the model.

    Work runs in a thread of its own, and stops before the next batch when nobody waits for the rest.
    """

    def __init__(self, load: Callable[[], LabelScorer], *, model: str) -> None:
        self.model, self.context_tokens = model, CONTEXT_TOKENS
        self._load = load
        self._scorer: LabelScorer | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="labels")
        self._waiting: list[_Asked] = []

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        """Log-probabilities among `labels`, of any number. `BudgetExhausted` at the deadline; `ModelFileError`."""
        with budget.reserve() as call:
            loop = asyncio.get_running_loop()
            asked = _Asked(messages, labels, loop.create_future())
            if not self._waiting:
                # Once around the loop, so that all who ask at once are there.
                loop.call_soon(self._start, loop)
            self._waiting.append(asked)
            try:
                async with asyncio.timeout(None if math.isinf(call.remaining_s) else call.remaining_s):
                    found = await asked.future
            except TimeoutError as exc:
                call.charge()
                raise BudgetExhausted("Reranking outlasted the request; raise --deadline.") from exc
            if isinstance(found, Exception):
                raise found
            logprobs, tokens = found
            call.charge(prompt_tokens=tokens)  # nothing is generated
            return logprobs

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting, []
        loop.run_in_executor(self._thread, self._answer, batch, loop)

    def _answer(self, batch: Sequence[_Asked], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: give everybody who still waits what was found."""
        found = list(self._found([asked for asked in batch if not asked.future.done()]))

        def give() -> None:
            for asked, answer in found:
                if not asked.future.done():
                    asked.future.set_result(answer)

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(give)

    def _found(self, wanted: Sequence[_Asked]) -> Iterator[tuple[_Asked, tuple[dict[str, float], int] | Exception]]:
        if not wanted:
            return
        try:
            self._scorer = self._scorer or self._load()
            prompts, labels = [asked.messages for asked in wanted], [asked.labels for asked in wanted]
            for number, logprobs, tokens in self._scorer.score(prompts, labels):
                if all(asked.future.done() for asked in wanted):
                    return
                yield wanted[number], (logprobs, tokens)
        except Exception as exc:  # noqa: BLE001 - handed to everybody who waits
            yield from ((asked, exc) for asked in wanted)

    async def complete(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: the engine `chat` writes replies."""
        raise SettingsError("The engine in-process reads labels and writes nothing; set rerank.engine to auto.")

    parse = complete

    async def count_tokens(self, text: str) -> int:
        """Not the model's: a third of the characters, as for a server that can't count."""
        return -(-len(text) // 3)

    async def aclose(self) -> None:
        """Let go of the model; a batch under way ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._scorer = None
