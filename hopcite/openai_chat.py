"""The client for any OpenAI-compatible server: vLLM, llama.cpp, and the llama.cpp in this process."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from hopcite.budget import Budget
from hopcite.chat import Completion, FinishReason, Message, T
from hopcite.errors import ModelMisbehaved, UsageError
from hopcite.llamacpp import EmbeddedServer, Endpoint, version
from hopcite.models import CATALOGUE, model_path
from hopcite.openai_connection import Connection
from hopcite.openings import Opening, OpeningStates
from hopcite.settings import LLMSettings, Settings
from hopcite.wire_openai import (
    MALFORMED,
    ThinkingFilter,
    characters,
    first_tokens_of,
    no_openai_server,
    pieces_of,
    usage_of,
)

_TOP_LOGPROBS = 20  # as many as vLLM reports without being told otherwise
_TEMPLATE_TOKENS = 5  # of a chat's template, for each message
_LEAST_REPLY = 32  # a reply that is cut sooner says nothing
_CHARACTERS_PER_TOKEN = 3  # a cautious estimate for servers that don't count


@dataclass(frozen=True, slots=True)
class _Reply:
    """A finished, unstreamed reply."""

    text: str
    first_tokens: Sequence[tuple[str, float]]


def open_chat(
    settings: Settings, *, section: Literal["llm", "rerank"] = "llm", openings: Sequence[Opening] = ()
) -> OpenAIChat:
    """The chat that the settings name. Without `llm.base_url` its model is loaded when first asked.

    `section` "rerank": `rerank.model` at the server of `rerank.base_url`, with the window and the patience of `llm`.
    `openings`: what prompts begin with; the embedded model reads each of them once on a machine.
    """
    llm = settings.llm
    if section == "rerank":
        own = settings.rerank
        llm = llm.model_copy(update={"base_url": own.base_url, "model": own.model, "api_key": own.api_key})
    if llm.base_url:
        key = llm.api_key.get_secret_value() if llm.api_key else ""
        return OpenAIChat(llm, lambda: Endpoint(llm.base_url or "", key), section=section)
    server: list[EmbeddedServer] = []
    folder = settings.model_dir / "openings"
    entry = CATALOGUE.get(llm.model)
    weights = entry.file.sha256 if entry and entry.file else llm.model
    states = OpeningStates(openings, folder, reader=f"{weights} {version()}") if openings else None

    def start() -> Endpoint:
        if not server:
            path = model_path(settings, llm.model)
            server.append(
                EmbeddedServer(
                    path, context_tokens=llm.context_tokens, threads=llm.threads, states=folder if openings else None
                )
            )
        return server[0].start()

    def close() -> None:
        for started in server:
            started.close()

    return OpenAIChat(llm.model_copy(update={"concurrency": 1}), start, on_close=close, states=states)


class OpenAIChat:
    """`hopcite.chat.Chat` over HTTP. Belongs to one event loop at a time."""

    def __init__(
        self,
        llm: LLMSettings,
        endpoint: Callable[[], Endpoint],
        *,
        section: str = "llm",
        on_close: Callable[[], None] | None = None,
        states: OpeningStates | None = None,
    ) -> None:
        """`section`: the settings that name the server and its model; errors tell which of them to correct."""
        self._llm = llm
        self._section = section
        self._server = Connection(llm, endpoint, section=section, on_close=on_close, states=states)
        self._logprobs = self._template_settings = True

    @property
    def model(self) -> str:
        """The model's name."""
        return self._llm.model

    @property
    def context_tokens(self) -> int:
        """Size of the window."""
        return self._llm.context_tokens

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Stream a reply; at the deadline the connection is closed, which stops the server, and what came counts."""
        body = {
            "messages": list(messages),
            "max_tokens": await self._affordable(messages, max_tokens, budget),
            "stream": True,
            "stream_options": {"include_usage": True},
            **({"stop": list(stop)} if stop else {}),
        }
        with budget.reserve() as call:
            if self._logprobs:
                try:
                    return await self._completion({**body, "logprobs": True, "top_logprobs": 1}, call, on_text)
                except (ModelMisbehaved, UsageError) as exc:
                    if "logprobs" not in str(exc):
                        raise
                    self._logprobs = False  # some servers refuse the request for them; the reply is worth more
            return await self._completion(body, call, on_text)

    async def _completion(
        self, body: Mapping[str, Any], budget: Budget, on_text: Callable[[str], None] | None
    ) -> Completion:
        pieces: list[str] = []
        tokens: list[tuple[str, float]] = []
        thinking = ThinkingFilter()
        finish: FinishReason | None = None
        counted: Mapping[str, Any] = {}
        try:
            async with asyncio.timeout(min(budget.remaining_s, 1e9)):
                async for event in self._server.chat(body, budget):
                    counted = event if event.get("usage") else counted
                    for piece in pieces_of(event, self._section):
                        tokens += piece.tokens
                        text = thinking.feed(piece.text)
                        if text:
                            pieces.append(text)
                            if on_text:
                                on_text(text)
                        if piece.finish_reason:
                            finish = "length" if piece.finish_reason == "length" else "stop"
        except TimeoutError:
            finish = "deadline"
        if finish is None:
            raise ModelMisbehaved(
                f"The reply of {self.model} broke off, or {self._section}.base_url names no OpenAI-compatible server."
            )
        pieces.append(thinking.feed("", last=True))
        text = "".join(pieces)
        spent = _spent(counted, body["messages"], text)
        budget.charge(prompt_tokens=spent[0], completion_tokens=spent[1])
        return Completion(text.strip(), finish, *spent, tuple(tokens))

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        """A reply constrained to the schema; one repair."""
        form = {
            "type": "json_schema",
            "json_schema": {"name": schema.__name__, "schema": schema.model_json_schema(), "strict": True},
        }
        conversation = list(messages)
        problem = ""
        for _ in range(2):
            affordable = await self._affordable(conversation, max_tokens, budget)
            body = {"messages": conversation, "max_tokens": affordable, "response_format": form}
            reply = await self._ask(body, budget)
            text = ThinkingFilter().feed(reply.text, last=True)
            try:
                return schema.model_validate_json(_json_part(text))
            except ValidationError as exc:
                problem = str(exc.errors(include_url=False, include_input=False)[0]["msg"])
            conversation += [
                {"role": "assistant", "content": text},
                {
                    "role": "user",
                    "content": f"That is not the JSON that was asked for: {problem}. Reply with it alone.",
                },
            ]
        raise ModelMisbehaved(f"{self.model} twice gave no valid {schema.__name__}: {problem}.")

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        """Log-probabilities of the labels as first token, those of "x" and " x" added up."""
        body = {"messages": list(messages), "max_tokens": 1, "logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        if messages[-1]["role"] == "assistant":  # go on with that turn, as vLLM and llama.cpp put it
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        await self._affordable(messages, 1, budget)
        reply = await self._answered(body, budget)
        found: dict[str, float] = {}
        for token, logprob in reply.first_tokens:
            label = token.strip()
            if label in labels and math.isfinite(logprob):
                found[label] = found.get(label, 0.0) + math.exp(min(logprob, 0.0))
        return {label: math.log(found[label]) for label in labels if found.get(label)}

    async def _answered(self, body: Mapping[str, Any], budget: Budget) -> _Reply:
        """A reply whose first token is the answer: models that can think first are told not to."""
        if self._template_settings:
            try:
                return await self._ask({**body, "chat_template_kwargs": {"enable_thinking": False}}, budget)
            except ModelMisbehaved as exc:
                if "chat_template_kwargs" not in str(exc):
                    raise
                self._template_settings = False  # vLLM and llama.cpp take it, some servers refuse what is not OpenAI's
        return await self._ask(body, budget)

    async def count_tokens(self, text: str) -> int:
        """By the server's tokenizer, else estimated."""
        counted = await self._server.count_tokens(text)
        return -(-len(text) // _CHARACTERS_PER_TOKEN) if counted is None else counted

    async def _affordable(self, messages: Sequence[Message], max_tokens: int, budget: Budget) -> int:
        """Tokens that a reply may have: all that are asked for, or what the request's ceiling leaves beside the prompt.

        Raises `BudgetExhausted` where that is next to nothing. Only a request with a ceiling has its prompt counted.
        """
        if budget.max_tokens is None:
            return max_tokens
        budget.check()
        prompt = await self.count_tokens("\n".join(message["content"] for message in messages))
        prompt += _TEMPLATE_TOKENS * len(messages)
        budget.check(tokens=prompt + min(max_tokens, _LEAST_REPLY))
        return min(max_tokens, int(budget.remaining_tokens) - prompt)

    async def aclose(self) -> None:
        """Close the connections, and the embedded model."""
        await self._server.aclose()

    async def _ask(self, body: Mapping[str, Any], budget: Budget) -> _Reply:
        """One unstreamed request, charged to the budget; its deadline ends it as `BudgetExhausted`."""
        with budget.reserve() as call:
            try:
                async with asyncio.timeout(min(call.remaining_s, 1e9)):
                    [reply] = [event async for event in self._server.chat(body, call)]
            except TimeoutError:
                call.charge()
                budget.check()
                raise
            try:
                choice = reply["choices"][0]
                text, first_tokens = characters(choice["message"].get("content") or ""), first_tokens_of(choice)
            except MALFORMED as exc:
                raise no_openai_server(self._section, str(reply)) from exc
            prompt_tokens, completion_tokens = _spent(reply, body["messages"], text)
            call.charge(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
        return _Reply(text, first_tokens)


def _spent(reply: Mapping[str, Any], messages: Sequence[Message], text: str) -> tuple[int, int]:
    """Prompt and completion tokens as the server counted them, else estimated from the characters."""
    prompt, completion = usage_of(reply)
    if prompt is None:
        prompt = sum(len(message["content"]) for message in messages) // _CHARACTERS_PER_TOKEN
    return prompt, len(text) // _CHARACTERS_PER_TOKEN if completion is None else completion


def _json_part(text: str) -> str:
    """What lies between the first brace and the last: models that ignore the schema like to fence their JSON."""
    return text[text.find("{") : text.rfind("}") + 1] or text
