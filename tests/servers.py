"""An HTTP server that speaks the OpenAI format from a script."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeVar

from pydantic import BaseModel

from hopcite.chat import Message
from hopcite.openai_chat import OpenAIChat, open_chat
from hopcite.settings import LLMSettings, Settings

T = TypeVar("T")
ASK: list[Message] = [{"role": "user", "content": "Who surveyed the railway?"}]  # 25 characters


class Town(BaseModel):
    name: str
    people: int


@dataclass(frozen=True)
class Reply:
    """One reply: JSON, or with `events` a stream of them, one each `pause` seconds. Status 0: hang up."""

    body: object = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[object, ...] = ()
    pause: float = 0.0


@dataclass
class ScriptedServer:
    """Replies in turn; the last reply again when the script ends."""

    script: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, request: dict[str, Any], key: str | None, path: str) -> Reply:
        with self.lock:
            self.requests.append(request)
            self.keys.append(key)
            self.paths.append(path)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = server.next(request, self.headers["Authorization"], self.path)
                if reply.status == 0:
                    return
                with server.lock:
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self._body(reply)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client left at its deadline
                finally:
                    with server.lock:
                        server.at_once -= 1

            def _body(self, reply: Reply) -> None:
                if not reply.events:
                    time.sleep(reply.pause)
                    self.wfile.write(json.dumps(reply.body).encode())
                for event in reply.events:
                    self.wfile.write(f"data: {event if event == '[DONE]' else json.dumps(event)}\n\n".encode())
                    time.sleep(reply.pause)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def said(text: str, prompt_tokens: int = 11, completion_tokens: int = 3, **choice: object) -> Reply:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return Reply({"choices": [{"message": {"content": text}, **choice}], "usage": usage})


def piece(text: str, finish_reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]}


def refusal(status: int, message: str = "no", *headers: tuple[str, str]) -> Reply:
    return Reply({"error": {"message": message}}, status, headers)


def asked(url: str, use: Callable[[OpenAIChat], Coroutine[Any, Any, T]], **llm: Any) -> T:
    """Open a chat, use it, close it."""

    async def run() -> T:
        chat = open_chat(Settings(llm=LLMSettings(base_url=f"{url}/v1", model="tiny", **llm)))
        try:
            return await use(chat)
        finally:
            await chat.aclose()

    return asyncio.run(run())
