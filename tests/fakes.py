"""Real implementations of the ports, small enough to predict by hand."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from hopcite.budget import Budget
from hopcite.chat import Completion, Message, T
from retrieval.index.port import SparseVector, Vectors


def words(text: str) -> list[str]:
    """Lower-cased words."""
    return re.findall(r"\w+", text.lower())


class HashingEncoder:
    """Bag of words: each word adds to one of 64 dimensions and is one sparse term, by its md5."""

    dimensions = 64
    max_tokens = 64
    fingerprint = "hashing-64"

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        if progress:
            progress(len(texts))
        return [self._vectors(text) for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> list[Vectors]:
        return [self._vectors(text) for text in texts]

    def encode_words(self, text: str) -> SparseVector:
        return self._vectors(text).sparse

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words(text)) for text in texts]

    def _vectors(self, text: str) -> Vectors:
        counts: dict[int, float] = {}
        for word in words(text):
            term = int.from_bytes(hashlib.md5(word.encode()).digest()[:4])
            counts[term] = counts.get(term, 0.0) + 1.0
        dense = [0.0] * self.dimensions
        for term, count in counts.items():
            dense[term % self.dimensions] += count
        if not counts:
            dense[0] = 1.0
        length = math.sqrt(sum(x * x for x in dense))
        terms = sorted(counts)
        sparse = SparseVector(tuple(terms), tuple(counts[term] for term in terms))
        return Vectors(tuple(x / length for x in dense), sparse)


@dataclass
class ScriptedChat:
    """Replies from a script, records every request, and fails when asked once too often.

    A scripted `str` or `Completion` answers `complete`, a `BaseModel` answers `parse`, a `dict` answers
    `label_logprobs`, and an exception is raised. Each call is charged 10 prompt tokens and 5 completion tokens.
    """

    script: list[str | Completion | BaseModel | dict[str, float] | Exception]
    model: str = "scripted"
    context_tokens: int = 8192
    requests: list[list[Message]] = field(default_factory=list)

    def _next(self, messages: Sequence[Message], budget: Budget) -> str | Completion | BaseModel | dict[str, float]:
        budget.check()
        self.requests.append(list(messages))
        assert self.script, (
            f"the script has no reply for request {len(self.requests)}: {messages[-1]['content'][:100]!r}"
        )
        reply = self.script.pop(0)
        budget.charge(prompt_tokens=10, completion_tokens=5)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        reply = self._next(messages, budget)
        assert isinstance(reply, str | Completion), f"complete() was called, the script has {reply!r}"
        completion = reply if isinstance(reply, Completion) else Completion(reply, "stop", 10, 5)
        if on_text:
            on_text(completion.text)
        return completion

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        reply = self._next(messages, budget)
        assert isinstance(reply, schema), f"parse({schema.__name__}) was called, the script has {reply!r}"
        return reply

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        reply = self._next(messages, budget)
        assert isinstance(reply, dict), f"label_logprobs() was called, the script has {reply!r}"
        return reply

    async def count_tokens(self, text: str) -> int:
        return len(words(text))

    async def aclose(self) -> None:
        return None
