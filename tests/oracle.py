"""Chats that answer the reranking methods' prompts: one that knows the true order, and one that writes garbage."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hopcite.budget import Budget
from hopcite.chat import Completion, Message, T
from hopcite.errors import ModelMisbehaved
from hopcite.types import Chunk

_LABELLED = re.compile(r"^\[(\w+)\] .*?\bworth (\d+)", re.MULTILINE | re.DOTALL)
_MOST = 200  # the highest worth


def passages(worths: Sequence[int]) -> list[Chunk]:
    """Passages that say what they are worth; the highest helps most."""
    return [passage(f"worth {worth}", number) for number, worth in enumerate(worths)]


def passage(text: str, number: int = 0) -> Chunk:
    return Chunk(str(number), str(number), f"T{number}", "s", text, 0, len(text), 0)


@dataclass
class OracleChat:
    """Reads what each passage is worth from the prompt and answers accordingly."""

    model: str = "oracle"
    context_tokens: int = 8192
    calls: int = 0
    under_way: int = 0
    prompts: list[str] = field(default_factory=list)

    def _asked(self, messages: Sequence[Message], budget: Budget) -> tuple[str, dict[str, int]]:
        budget.check()
        budget.charge(prompt_tokens=10, completion_tokens=1)
        self.calls += 1
        text = [message["content"] for message in messages if message["role"] == "user"][-1]
        self.prompts.append(text)
        return text, {label: int(worth) for label, worth in _LABELLED.findall(text)}

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        text, worths = self._asked(messages, budget)
        if "relevance score of 0~10" in text:
            grade = min(10, int(re.findall(r"worth (\d+)", text)[-1]) // 4)
            return Completion(f"<think>[1] > 9?</think><answer>{grade}</answer>", "stop", 10, 1)
        ranked = sorted(worths, key=lambda label: -worths[label])
        wanted = re.search(r"exactly (\d+) numbers", text)
        reply = ", ".join(f"[{label}]" for label in ranked[: int(wanted[1])]) if wanted else ""
        return Completion(reply or " > ".join(f"[{label}]" for label in ranked), "stop", 10, 1)

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        _, worths = self._asked(messages, budget)
        return schema.model_validate({"grades": {label: 10 * worth / _MOST for label, worth in worths.items()}})

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        text, worths = self._asked(messages, budget)
        if worths:
            sign = -1 if "helps least" in text else 1
            return {label: -50 + sign * worth / 10 for label, worth in worths.items() if label in labels}
        worth = int(re.findall(r"worth (\d+)", text)[-1]) / _MOST
        if "yes" in labels:
            return {"yes": math.log(0.01 + 0.98 * worth), "no": math.log(0.99 - 0.98 * worth)}
        low = min(8, int(9 * worth))
        above = 9 * worth - low
        return {str(low): math.log(1.001 - above), str(low + 1): math.log(0.001 + above)}

    async def count_tokens(self, text: str) -> int:
        return len(text) // 3

    async def aclose(self) -> None:
        return None


@dataclass
class GarbageChat(OracleChat):
    """Drawn from a seed: some, no or all labels with odd values, texts of the test's choosing, and errors."""

    seed: int = 0
    texts: Sequence[str] = ("",)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self._asked(messages, budget)
        self._maybe_fail()
        return Completion(self.random.choice(self.texts), self.random.choice(("stop", "length")), 10, 1)

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        self._asked(messages, budget)
        self._maybe_fail()
        labels = self.random.sample(["1", "2", "[3]", "20", "0", "-1", "x", ""], k=4)
        return schema.model_validate({"grades": {label: self._value() for label in labels}})

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        self._asked(messages, budget)
        self._maybe_fail()
        some = self.random.sample([*labels, "?"], k=self.random.randint(0, len(labels)))
        return {label: self._value() for label in some}

    def _value(self) -> float:
        return self.random.choice((math.nan, -math.inf, math.inf, 0.0, -1.0, -1.0, -1000.0, self.random.random()))

    def _maybe_fail(self) -> None:
        if self.random.random() < 0.1:
            raise ModelMisbehaved("The reply broke off.")
