"""Reranking by asking a chat model: what its methods share, so that a method is only what its paper says.

A method is a frozen dataclass with `rank`, which asks and orders, and `most_calls`, which says what that may cost.
`ChatReranker` makes it a reranker, and `Asking` is one list's conversation with the model.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import BaseModel

from hopcite.budget import Budget
from hopcite.chat import Chat, Message
from hopcite.errors import BudgetExhausted, ModelMisbehaved, PromptTooLong
from hopcite.types import Chunk
from retrieval.rerank.parsing import named
from retrieval.rerank.passages import PASSAGE_TOKENS, SHORT_TOKENS, listing, share, shown
from retrieval.rerank.port import Ranking, keep_order
from retrieval.rerank.prompts import LETTERS, choice
from retrieval.rerank.trained import content, prompt_of, untrained_notes

T = TypeVar("T")
Form = TypeVar("Form", bound=BaseModel)


class Method(Protocol):
    """A way to rank by asking a chat model."""

    @property
    def name(self) -> str:
        """As the setting `rerank.method` calls it."""
        ...

    async def rank(self, asking: Asking) -> Ranking:
        """Rank two candidates or more."""
        ...

    @property
    def exact(self) -> bool:
        """Whether n candidates always cost `most_calls`."""
        ...

    def most_calls(self, n: int) -> int:
        """Calls that n candidates cost at most."""
        ...


class ChatReranker:
    """A method with the chat that it asks: `retrieval.rerank.port.Reranker`. `owned`: closed with it."""

    def __init__(
        self, chat: Chat, method: Method, *, owned: bool = False, passage_tokens: int = PASSAGE_TOKENS
    ) -> None:
        self.name = f"{method.name}:{chat.model}"
        self._passage_tokens = passage_tokens
        self._chat = chat
        self._method = method
        self._owned = owned

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates. Raises `BudgetExhausted` before the first call that it does not allow.

        Where it is known how many calls the method makes, that is before the first of all.

        A reply that can't be used counts as one that says nothing, as does a prompt that is too long for the model;
        when all are such, the ranking is not valid.
        """
        n = len(candidates)
        if n < 2:
            return keep_order(n)
        with budget.reserve(self._method.most_calls(n) if self._method.exact else 1) as reserved:
            asking = Asking(
                self._chat,
                query,
                candidates,
                reserved,
                method=self._method.name,
                passage_tokens=self._passage_tokens,
            )
            try:
                ranking = await self._method.rank(asking)
            except PromptTooLong as exc:
                ranking = keep_order(n, f"no ranking: {exc}", valid=False)
            return asking.billed(ranking)

    async def aclose(self) -> None:
        """Close the chat if it is this reranker's own."""
        if self._owned:
            await self._chat.aclose()


class Asking:
    """What one list of candidates asks of the model, what came of it, and what it cost. Candidates go by number.

    The budget is a part that no other list charges.
    """

    def __init__(
        self, chat: Chat, query: str, passages: Sequence[Chunk], budget: Budget, *, method: str, passage_tokens: int
    ) -> None:
        self.query, self.passages, self.n = query, passages, len(passages)
        self._chat, self._method, self._limit = chat, method, passage_tokens
        self._budget = budget
        self._before = self._spent()
        self._replies = self._useless = self._labels = self._unreported = self._repairs = 0
        self._trouble, self._shortest = "", SHORT_TOKENS

    def shown(self, candidate: int) -> str:
        """One passage, for a prompt that holds no other."""
        return shown(self.passages[candidate], limit=self._limit, most=self._share(1, reply_tokens=1))

    def listed(self, candidates: Sequence[int], labels: Sequence[str], *, reply_tokens: int = 1) -> str:
        """Passages after their labels, cut so that all fit the model's window."""
        most = self._share(len(candidates), reply_tokens=reply_tokens)
        return listing([self.passages[one] for one in candidates], labels, limit=self._limit, most=most)

    def contents(self, candidates: Sequence[int], *, reply_tokens: int = 1) -> list[str]:
        """Passages as the prompts of trained models hold them, cut so that all fit the model's window."""
        most = self._share(len(candidates), reply_tokens=reply_tokens)
        return [content(self.passages[candidate], limit=self._limit, most=most) for candidate in candidates]

    def trained(self, candidates: Sequence[int], *, reply_tokens: int = 1) -> list[Message] | None:
        """The prompt that the model was trained with for this method; None for any other model."""
        prompt = prompt_of(self._method, self._chat.model)
        return prompt(self.query, self.contents(candidates, reply_tokens=reply_tokens)) if prompt else None

    def half_window(self, tokens: int) -> int:
        """So many tokens of a reply, but no more than leave half of the model's window to the passages."""
        return min(tokens, self._chat.context_tokens // 2)

    async def choose(self, candidates: Sequence[int], *, least: bool = False) -> dict[int, float]:
        """Log-probabilities of being chosen as the passage that helps most (or least), for those that have one.

        At most 20 candidates, shown in the order given.
        """
        labels = LETTERS[: len(candidates)]
        messages = self.trained(candidates) or choice(self.query, self.listed(candidates, labels), labels, least=least)
        found = await self._label_logprobs(messages, labels)
        self._labels += len(labels)
        self._unreported += len(labels) - len(found)
        self.judge(useful=bool(found) and (len(found) < len(labels) or len(set(found.values())) > 1))
        return {candidate: found[label] for candidate, label in zip(candidates, labels, strict=True) if label in found}

    async def label_logprobs(self, messages: Sequence[Message], labels: Sequence[str]) -> dict[str, float]:
        """Finite log-probabilities of labels as the reply's first token, those that there are."""
        found = await self._label_logprobs(messages, labels)
        self.judge(useful=bool(found))
        return found

    async def written(self, messages: Sequence[Message], *, max_tokens: int, thinks: bool = False) -> str:
        """A reply in words; empty when the model could not give one. `picked` judges it.

        A model that `thinks` gave none when it was cut short before its `<answer>`.

        Raises `BudgetExhausted` when the clock cuts the reply short.
        """
        reply = await self._call(lambda budget: self._chat.complete(messages, max_tokens=max_tokens, budget=budget))
        if reply is not None and reply.finish_reason == "deadline":
            self._budget.check()
            raise BudgetExhausted("The request's seconds were spent in the middle of a reply; raise --deadline.")
        if reply is None or (thinks and reply.finish_reason == "length" and "<answer>" not in reply.text.lower()):
            return ""
        return reply.text

    def picked(self, reply: str, candidates: Sequence[int], *, wanted: int) -> list[int]:
        """The candidates that a reply names by number, in its order. What keeps it from naming `wanted` is counted."""
        found = named(reply, len(candidates))
        mended = found.foreign + found.repeated + max(0, wanted - len(found.places))
        self.judge(useful=bool(found.places), repairs=mended if found.places else 0)
        return [candidates[place] for place in found.places]

    async def parsed(self, messages: Sequence[Message], schema: type[Form], *, max_tokens: int) -> Form | None:
        """A reply as JSON of a schema; None when the model could not give one. The caller judges it."""
        return await self._call(lambda budget: self._chat.parse(messages, schema, max_tokens=max_tokens, budget=budget))

    def judge(self, *, useful: bool, repairs: int = 0) -> None:
        """Note whether a reply could be used, and how many parts of it had to be mended."""
        self._useless += not useful
        self._repairs += repairs

    def billed(self, ranking: Ranking) -> Ranking:
        """The ranking with its cost and notes; not valid when no reply could be used."""
        if ranking.valid and self._useless == self._replies:
            ranking = keep_order(self.n, f"no ranking: none of {self._replies} replies can be used", valid=False)
        notes = []
        if 0 < self._useless < self._replies:
            notes.append(f"{self._useless} of {self._replies} replies can't be used")
        if self._unreported:
            notes.append(
                f"{self._unreported} of {self._labels} letters are not reported; their passages keep their order"
            )
        if self._repairs:
            notes.append(f"{self._repairs} numbers in the replies are missing, repeated or no passage's")
        if self._shortest < SHORT_TOKENS:
            notes.append(f"passages are cut to {self._shortest} tokens, so that they fit the model's window")
        if self._trouble:
            notes.append(self._trouble)
        calls, prompt_tokens, completion_tokens = (
            now - before for now, before in zip(self._spent(), self._before, strict=True)
        )
        notes += untrained_notes(self._method, self._chat.model)
        return replace(
            ranking,
            notes=(*ranking.notes, *notes),
            calls=calls,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )

    async def _call(self, call: Callable[[Budget], Awaitable[T]]) -> T | None:
        """One call. None: the model misbehaved, or could not read so much."""
        self._replies += 1
        try:
            return await call(self._budget)
        except ModelMisbehaved as exc:
            self._trouble = str(exc)
        except PromptTooLong:
            self._trouble = (
                f"a prompt does not fit the model's window, taken to be of {self._chat.context_tokens} tokens; correct "
                "llm.context_tokens"
            )
        return None

    def _share(self, passages: int, *, reply_tokens: int) -> int:
        """Tokens for each of so many passages in one prompt."""
        each = share(self._chat.context_tokens, passages, query=self.query, reply_tokens=reply_tokens)
        self._shortest = min(self._shortest, each)
        return each

    async def _label_logprobs(self, messages: Sequence[Message], labels: Sequence[str]) -> dict[str, float]:
        reply = await self._call(lambda budget: self._chat.label_logprobs(messages, list(labels), budget=budget))
        return {label: value for label, value in (reply or {}).items() if label in labels and math.isfinite(value)}

    def _spent(self) -> tuple[int, int, int]:
        return self._budget.llm_calls, self._budget.prompt_tokens, self._budget.completion_tokens
