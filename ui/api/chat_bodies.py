"""What the OpenAI-compatible routes take and give, as far as Hopcite has a use for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from agent import Exchange
from hopcite.types import Usage
from hopcite.wire import AnswerBody
from ui.api.chat_text import exchange_of
from ui.faults import UNSUPPORTED


class _Asked(BaseModel):
    """Clients send much that means nothing here (`temperature`, `user`): it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Part(_Asked):
    """A piece of a message. Only pieces of type `text` are read."""

    type: str
    text: str = ""


class ChatMessage(_Asked):
    """One message of the conversation."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(_Asked):
    """What a stream has besides the reply."""

    include_usage: bool = False


class ChatBody(_Asked):
    """A conversation, whose last message of the user is the question."""

    model: str = Field(default="hopcite", examples=["hopcite"])
    """`hopcite` asks the default collection, `hopcite/NAME` the collection of that name."""
    messages: list[ChatMessage] = Field(examples=[[{"role": "user", "content": "Who designed Drumlow Light?"}]])
    """Messages that are neither the user's nor the assistant's are passed over."""
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    """Nothing but 1: a question has one answer."""
    tools: list[Any] | None = None
    """Refused, as Hopcite calls none."""
    functions: list[Any] | None = None
    """Refused, as Hopcite calls none."""
    response_format: dict[str, Any] | None = None
    """Nothing but `{"type": "text"}`."""

    @field_validator("messages")
    @classmethod
    def _has_a_question(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        last = _last_of_user(messages)
        if last is None:
            raise _unsupported("no message is the user's, so there is no question")
        # Only the question: a client goes on sending an image that was refused before.
        other = [part.type for part in last.content if part.type != "text"] if isinstance(last.content, list) else []
        if other:
            raise _unsupported(f"Hopcite reads text only, and the question has a part of type {other[0]!r}")
        if not last.text.strip():
            raise _unsupported("the last message of the user is empty; write a question")
        return messages

    @field_validator("n")
    @classmethod
    def _one(cls, n: int | None) -> int | None:
        if n not in (None, 1):
            raise _unsupported("a question has one answer; leave it out, or send 1")
        return n

    @field_validator("tools", "functions")
    @classmethod
    def _none(cls, tools: list[Any] | None) -> list[Any] | None:
        if tools:
            raise _unsupported("Hopcite calls no tools; leave them out")
        return tools

    @field_validator("response_format")
    @classmethod
    def _text(cls, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
        if wanted and wanted.get("type") != "text":
            raise _unsupported("the reply is text; leave it out, or ask /v1/ask for JSON")
        return wanted

    @property
    def include_usage(self) -> bool:
        """Whether a stream tells the bill."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def question(self) -> str:
        """The last message of the user."""
        last = _last_of_user(self.messages)
        return last.text if last else ""

    @property
    def earlier(self) -> tuple[Exchange, ...]:
        """What was asked and answered before the question."""
        said = [message for message in self.messages if message.role in ("user", "assistant") and message.text]
        while said and said[-1].role != "user":
            said.pop()
        pairs = pairwise(said[:-1])
        return tuple(exchange_of(q.text, a.text) for q, a in pairs if (q.role, a.role) == ("user", "assistant"))


def _last_of_user(messages: list[ChatMessage]) -> ChatMessage | None:
    return next((message for message in reversed(messages) if message.role == "user"), None)


def _unsupported(line: str) -> PydanticCustomError:
    return PydanticCustomError(UNSUPPORTED, "{line}", {"line": line})


class TokensBody(BaseModel):
    """The tokens of all model calls that the answer took."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def from_usage(cls, usage: Usage) -> TokensBody:
        """The tokens of a bill."""
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class ReplyMessage(BaseModel):
    """The answer in Markdown, with its sources."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """The one reply."""

    index: Literal[0] = 0
    message: ReplyMessage
    finish_reason: Literal["stop"] = "stop"


class CompletionBody(BaseModel):
    """A reply. `hopcite` is the whole answer, as `/v1/ask` gives it; clients that know nothing of it pass it over."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokensBody
    hopcite: AnswerBody


class ModelBody(BaseModel):
    """A collection, as a model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Unix time at which this server started: nothing tells when a collection was made."""
    owned_by: Literal["hopcite"] = "hopcite"


class ModelsBody(BaseModel):
    """All collections: `hopcite` is the default one, `hopcite/NAME` each one by its name."""

    object: Literal["list"] = "list"
    data: list[ModelBody]
