"""What the frameworks of `benchmarks.frameworks` share: the search, the server, the meter and the last words."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from hopcite.types import Chunk

SHORT_ANSWER = (
    'First write one line "Answer:" with the answer alone: a name, a phrase, a number, yes or no, as short as possible.'
)
"""Asked of every system where it writes its final answer; Hopcite's own prompt has this sentence."""
MAX_TOKENS = 512
"""Of one reply. Both frameworks set no limit by default, and a small model that goes round in circles would fill its
window; no reply that is of use here is as long."""
TIMEOUT_S = 1800.0
"""Silence of the server: one core may read a long prompt for minutes."""

Search = Callable[[str], Awaitable[Sequence[Chunk]]]
"""A query to the best passages."""


@dataclass(frozen=True, slots=True)
class Model:
    """An OpenAI-compatible server and the name and window of its model."""

    name: str
    base_url: str
    api_key: str
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Said:
    """A framework's last words on a question. `failure`: why there are none of use; counted as a wrong answer."""

    reply: str
    failure: str | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
    """What happened on the way, for readers of the records."""


class Peer(Protocol):
    """A framework, set up and ready."""

    async def ask(self, question: str) -> Said:
        """Answer one question. Raises `openai.APIConnectionError` when the server is gone; nothing else."""
        ...


class Meter:
    """Calls and tokens, read off the server's replies as they pass: one scale for all frameworks."""

    def __init__(self) -> None:
        self.spent = (0, 0, 0)
        """Calls, prompt tokens, completion tokens."""
        self.http = httpx.AsyncClient(event_hooks={"response": [self._count]}, timeout=TIMEOUT_S, trust_env=False)

    async def _count(self, response: httpx.Response) -> None:
        if response.is_success and response.request.url.path.endswith("/completions"):
            await response.aread()
            usage = response.json()["usage"]
            calls, prompt, completion = self.spent
            self.spent = (calls + 1, prompt + usage["prompt_tokens"], completion + usage["completion_tokens"])


def written_call(reply: str, tool: str) -> dict[str, Any] | None:
    """The arguments of a tool call that a reply spells out as JSON, fenced or not.

    Qwen2.5-Coder writes its calls like this, and not in the tags for which servers look: without this help a loop
    that lets the model choose would end before its first search.
    """
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        call = json.loads(found[0]) if found else None
    except ValueError:
        return None
    if not isinstance(call, dict) or call.get("name") != tool or not isinstance(call.get("arguments"), dict):
        return None
    return dict(call["arguments"])
