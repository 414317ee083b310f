"""Which tests this machine can run: one that lacks what its mark names is skipped, and says what is missing.

And HTTP servers on loopback, real ones, that stop when the test ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import hypothesis
import pytest

from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from tests.servers import Reply, ScriptedServer

# No test is timed: other work on the machine would fail it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def _models() -> str:
    if os.environ.get("HOPCITE_TEST_NO_MODELS", "") not in ("", "0"):
        return "HOPCITE_TEST_NO_MODELS is set"
    settings = load_settings().settings
    path = settings.model_dir / f"{Settings().llm.model}.gguf"
    return "" if path.is_file() else f"the default model is not in {settings.model_dir}: `hopcite models pull`"


def _gpu() -> str:
    import torch

    return "" if torch.cuda.is_available() else "no CUDA device"


def _variable(name: str, what: str) -> Callable[[], str]:
    return lambda: "" if os.environ.get(name) else f"{name} names no {what}"


_MISSING: dict[str, Callable[[], str]] = {
    "models": _models,
    "gpu": _gpu,
    "vllm": _variable("HOPCITE_TEST_VLLM_URL", "vLLM server"),
    "postgres": _variable("HOPCITE_TEST_POSTGRES_URL", "Postgres database that the tests may empty"),
    "qdrant_server": _variable("HOPCITE_TEST_QDRANT_URL", "Qdrant server"),
    "data": _variable("HOPCITE_TEST_DATA", "folder of evaluation data"),
}


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for mark, missing in _MISSING.items():
        marked = [item for item in items if item.get_closest_marker(mark)]
        reason = missing() if marked else ""
        for item in marked if reason else ():
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The folder of the pulled models, for tests marked `models`."""
    return load_settings().settings.model_dir


@pytest.fixture
def listen() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """Start a server with this handler; its address."""
    with contextlib.ExitStack() as stack:

        def started(handler: type[BaseHTTPRequestHandler]) -> str:
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield started


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where no one listens: the port is held, but refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def serve(
    listen: Callable[[type[BaseHTTPRequestHandler]], str],
) -> Callable[..., tuple[ScriptedServer, str]]:
    """Start a server with these replies; it and its address."""

    def started(*script: Reply) -> tuple[ScriptedServer, str]:
        server = ScriptedServer(list(script))
        return server, listen(server.handler())

    return started
