"""A server over real parts that need no model: hashed words, Qdrant Edge, a scripted chat, no reranker."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from hopcite.chat import Chat
from hopcite.settings import AnswerSettings, RerankSettings, SearchSettings, ServerSettings, Settings
from retrieval import Encoder
from tests.fakes import HashingEncoder, ScriptedChat
from ui.server import create_app
from ui.state import Parts

RAILWAY = (
    "The Harrow Pass Railway is a narrow-gauge line that opened in 1911. "
    "The Harrow Pass Railway was surveyed by Ottilie Brandvold."
)
SURVEYOR = "Ottilie Brandvold was an engineer. Ottilie Brandvold was born in Kestmark and studied in Lund."
DOCUMENTS = [
    {"id": "railway", "title": "Harrow Pass Railway", "text": RAILWAY, "source": "railway.md"},
    {"id": "surveyor", "title": "Ottilie Brandvold", "text": SURVEYOR, "source": "surveyor.md"},
]
QUESTION = "Who surveyed the Harrow Pass Railway?"
REPLY = "Answer: Ottilie Brandvold\nThe Harrow Pass Railway was surveyed by Ottilie Brandvold [1]."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Everything in a folder of the test; the first search alone feeds the writer."""
    return Settings(
        data_dir=tmp_path / "data",
        model_dir=tmp_path / "models",
        answer=AnswerSettings(mode="never"),
        rerank=RerankSettings(method="none"),
        search=SearchSettings(hops=False),
        server=ServerSettings(port=0, max_upload_mb=1),
    )


OpenClient = Callable[..., contextlib.AbstractContextManager[TestClient]]


@pytest.fixture
def open_client(settings: Settings) -> OpenClient:
    """A client of the app in this process, with a chat that replies from a script."""

    @contextlib.contextmanager
    def opened(*script: str | BaseModel | Exception, encoder: Encoder | None = None) -> Iterator[TestClient]:
        parts = Parts(settings, encoder=encoder or HashingEncoder(), chat=ScriptedChat(list(script)))
        app = create_app(settings, parts=parts, page=False)
        with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
            yield client

    return opened


@pytest.fixture
def client(open_client: OpenClient) -> Iterator[TestClient]:
    """A client of a server whose model is not to be asked, with two documents."""
    with open_client() as client:
        client.post("/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
        yield client


@dataclass(frozen=True)
class Live:
    """A server that listens on loopback."""

    url: str
    parts: Parts


@contextlib.contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Run the app in a thread; the address, once it answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Live]]:
    """Start servers that stop when the test ends."""
    with contextlib.ExitStack() as stack:

        def started(*, chat: Chat, encoder: Encoder | None = None, page: bool = False) -> Live:
            parts = Parts(settings, encoder=encoder or HashingEncoder(), chat=chat)
            url = stack.enter_context(listening(create_app(settings, parts=parts, page=page)))
            return Live(url, parts)

        yield started


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
