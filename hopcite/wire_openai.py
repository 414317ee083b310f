"""The OpenAI format on the wire: events of a reply, errors, back-pressure, thinking aloud."""

from __future__ import annotations

import json
import math
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, NoReturn

import httpx

from hopcite.errors import ModelMisbehaved, PromptTooLong, SettingsError, Unreachable
from hopcite.settings import LLMSettings

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 20.0
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading JSON of another shape raises."""


def worth_another_try(response: httpx.Response) -> bool:
    """Too many requests, or the server's own trouble."""
    return response.status_code == 429 or response.status_code >= 500


def retry_after_s(response: httpx.Response | None, attempt: int) -> float:
    """Seconds to wait: what the server asks for, else 0.5, 1, 2, … with a random part so that clients spread out."""
    asked = response.headers.get("retry-after", "") if response is not None else ""
    if asked.isdecimal():
        return min(float(asked), _LONGEST_PAUSE_S)
    return min(_FIRST_PAUSE_S * 2.0**attempt, _LONGEST_PAUSE_S) * random.uniform(0.75, 1.25)  # noqa: S311  # no secret


def raise_for(response: httpx.Response, llm: LLMSettings, section: str) -> NoReturn:
    """Translate a refusal. The message says who must change what; `section` of the settings names the server."""
    said = _message(response)
    status = response.status_code
    if status in (401, 403):
        raise SettingsError(f"The language model's server refuses the key ({status}); correct {section}.api_key.")
    if status == 404:
        raise SettingsError(
            f"The server has no model {llm.model!r} at {response.url} ({said}); correct {section}.model."
        )
    if worth_another_try(response):
        raise Unreachable(f"The language model's server keeps failing ({status}: {said}); look at its log.")
    if "context" in said.lower() or "maximum" in said.lower():
        raise PromptTooLong(f"The prompt does not fit the model's window ({said}); lower answer.evidence.")
    raise ModelMisbehaved(f"The language model's server rejects the request ({status}: {said}).")


def no_openai_server(section: str, said: str | bytes) -> ModelMisbehaved:
    """The error of a server that does not speak the format; `section` of the settings names it."""
    return ModelMisbehaved(f"{section}.base_url names no OpenAI-compatible server: it says {said[:100]!r}.")


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.text[:200].strip() or response.reason_phrase
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:300]


class ThinkingFilter:
    """Drops a `<think>…</think>` block that opens a reply, piece by piece as it streams in."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._done = False

    def feed(self, piece: str, *, last: bool = False) -> str:
        """What may be shown of the reply so far and was not returned before."""
        if self._done:
            return piece
        self._held += piece
        start = self._held.lstrip()
        if start.startswith(self._OPEN):
            if self._CLOSE not in start:
                return ""
            start = start.split(self._CLOSE, 1)[1].lstrip()
        elif self._OPEN.startswith(start[: len(self._OPEN)]) and not last:
            return ""
        self._done = True
        return start


async def events(response: httpx.Response, *, streamed: bool, section: str) -> AsyncIterator[dict[str, Any]]:
    """The events of a reply; one, the whole of it, if unstreamed."""
    if not streamed:
        yield _event(await response.aread(), section)
        return
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield _event(data, section)


def _event(data: str | bytes, section: str) -> dict[str, Any]:
    """Parse one; a server that fails after it began to stream says so in an event."""
    try:
        event = json.loads(data)
    except ValueError as exc:
        raise no_openai_server(section, data) from exc
    if not isinstance(event, dict) or event.get("error"):
        raise ModelMisbehaved(f"The language model's server failed: {str(event)[:300]}.")
    return event


def tokens_of(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The tokens of one event with their log-probabilities; nan for one that comes without."""
    return list(map(_token, (choice.get("logprobs") or {}).get("content") or ()))


def first_tokens_of(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The likeliest first tokens of a reply, likewise."""
    tokens = (choice.get("logprobs") or {}).get("content")
    return list(map(_token, tokens[0].get("top_logprobs") or ())) if tokens else []


def _token(told: Mapping[str, Any]) -> tuple[str, float]:
    return str(told["token"]), math.nan if told.get("logprob") is None else float(told["logprob"])


class Piece(NamedTuple):
    """What one choice of a streamed event adds to the reply."""

    text: str
    tokens: list[tuple[str, float]]
    finish_reason: str | None


def pieces_of(event: Mapping[str, Any], section: str) -> list[Piece]:
    """A piece for each choice of a streamed event."""
    try:
        return [
            Piece(
                characters((choice.get("delta") or {}).get("content") or ""),
                tokens_of(choice),
                choice.get("finish_reason"),
            )
            for choice in event.get("choices") or ()
        ]
    except MALFORMED as exc:
        raise no_openai_server(section, str(event)) from exc


def usage_of(reply: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Prompt and completion tokens as the server counted them; None for what it did not count."""
    usage = reply.get("usage")
    told = [usage.get(f"{part}_tokens") if isinstance(usage, dict) else None for part in ("prompt", "completion")]
    prompt, completion = (count if isinstance(count, int) and count >= 0 else None for count in told)
    return prompt, completion


def characters(text: str) -> str:
    """Without halves of surrogate pairs: JSON can hold them, no file and no reply to a browser can."""
    return text.encode("utf-8", "replace").decode()
