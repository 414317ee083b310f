"""The port to a language model: what the rest of the code may ask of one.

`hopcite.openai_chat.OpenAIChat` implements it for any OpenAI-compatible server, the embedded llama.cpp included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict, TypeVar

from pydantic import BaseModel

from hopcite.budget import Budget

T = TypeVar("T", bound=BaseModel)
FinishReason = Literal["stop", "length", "deadline"]


class Message(TypedDict):
    """One turn of the conversation, as the wire format has it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply. `finish_reason` is "deadline" when the budget's clock cut it short; `text` is then what there was."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    logprobs: tuple[tuple[str, float], ...] = ()
    """Each token of the reply, thinking aloud included, with its log-probability; empty where the server gives none."""


class Chat(Protocol):
    """A language model behind the OpenAI wire format. Temperature 0 throughout.

    Each method reserves a call of `budget` before it calls and charges it afterwards. Errors: `BudgetExhausted` before
    the call, `Unreachable` when the server does not answer, `PromptTooLong` when the prompt exceeds the window,
    `ModelMisbehaved` when the reply can't be used.
    """

    @property
    def model(self) -> str:
        """The model's name, for fingerprints and traces."""
        ...

    @property
    def context_tokens(self) -> int:
        """Size of the window: prompt and reply together."""
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Write a reply, handing each piece to `on_text` as it comes. A deadline returns what was written so far."""
        ...

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        """Reply with JSON that satisfies `schema`, which the server enforces; a reply that does not is repaired once.

        The repair is one more call that shows the model its reply and the validation error.
        """
        ...

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        """Log-probabilities of `labels` as the reply's first token. A label that the server does not report is absent.

        A label counts with and without a leading space (summed). At most 20 labels: servers report that many. Where the
        last message is the assistant's, the reply goes on from it.
        """
        ...

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text`, without the template. An estimate (characters / 3) where the server can't count."""
        ...

    async def aclose(self) -> None:
        """Close connections, and the embedded model if this chat started it."""
        ...
