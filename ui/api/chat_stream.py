"""A reply as the stream of chunks that OpenAI's clients read."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import Any

from agent import StageEvent
from hopcite.types import Answer
from hopcite.wire import answer_json
from ui.api.chat_bodies import TokensBody
from ui.api.chat_text import reply_text
from ui.api.errors import Problem, openai_error

_DONE = b"data: [DONE]\n\n"


def completion_id() -> str:
    """A new name for a reply."""
    return f"chatcmpl-{uuid.uuid4().hex}"


class ChunkDialect:
    """`ui.api.stream.Dialect`. A draft may be replaced by a later one, so no text is sent before the answer stands.

    Until then, comments name the stages: clients pass over them, and proxies see that the connection lives.
    """

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._head = {
            "id": completion_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._include_usage = include_usage

    def begun(self) -> bytes:
        """Who will speak."""
        return self._delta({"role": "assistant", "content": ""})

    def stage(self, event: StageEvent) -> bytes:
        """The stage that starts, as a comment."""
        return f": {event.stage}\n\n".encode() if event.state == "start" else b""

    def answer(self, answer: Answer) -> bytes:
        """The whole text, then the end, with the answer but for the texts of its evidence, and the bill.

        Some clients take no line of more than 128 KiB, which the passages can fill.
        """
        chunks = self._delta({"content": reply_text(answer)})
        chunks += self._delta({}, finish="stop", hopcite=answer_json(replace(answer, evidence=())))
        if self._include_usage:
            chunks += _data({**self._head, "choices": [], "usage": TokensBody.from_usage(answer.usage).model_dump()})
        return chunks + _DONE

    def failed(self, problem: Problem) -> bytes:
        """The error, where a chunk would be."""
        return _data(openai_error(problem).model_dump()) + _DONE

    def _delta(self, delta: dict[str, str], *, finish: str | None = None, **members: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        usage = {"usage": None} if self._include_usage else {}
        return _data({**self._head, "choices": [choice], **usage, **members})


def _data(chunk: dict[str, Any]) -> bytes:
    # In ASCII: some clients also break lines at Unicode's own line separators.
    return f"data: {json.dumps(chunk)}\n\n".encode()
