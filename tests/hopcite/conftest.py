"""HTTP servers on loopback, real ones, that stop when the test ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers import Reply, ScriptedServer


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
