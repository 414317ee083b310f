"""What only a server can do to us: be away, refuse, be full."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from qdrant_client import QdrantClient

from hopcite.errors import CollectionMismatch, HopciteError, NoSpace, NotFound, Unreachable
from retrieval.index.server import connect, drop_server, list_server, open_server
from retrieval.index.stored import Record

RECORD = Record("hashing-64", 64)


@contextmanager
def server_that_says(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def open_at(url: str) -> None:
    client = connect(url, api_key=None, timeout_s=2)
    try:
        open_server(client, "docs", RECORD, url=url, create=True, prefetch=100, rrf_k=60)
    finally:
        client.close()


def test_a_server_that_is_away() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=rf"{url} does not answer.*HOPCITE_QDRANT__URL"):
            open_at(url)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, b"Must provide an API key", Unreachable, "qdrant.api_key"),
        (403, b"Forbidden", Unreachable, "qdrant.api_key"),
        (400, b'{"status": "bad"}', Unreachable, "status 400"),
        (500, b"broken", Unreachable, "status 500"),
        (500, b"Service internal error: No space left on device", NoSpace, "disk"),
        (200, b"<html>Another program</html>", Unreachable, "no Qdrant server"),
        (200, json.dumps({"result": {"exists": "perhaps"}}).encode(), Unreachable, "does not answer"),
    ],
)
def test_a_server_that_refuses(status: int, body: bytes, error: type[HopciteError], words: str) -> None:
    with server_that_says(status, body) as url, pytest.raises(error, match=words):
        open_at(url)


def test_an_address_that_is_none() -> None:
    with pytest.raises(Unreachable, match=r"qdrant\.url"):
        connect("http://[", api_key=None, timeout_s=1)


def test_collections_of_others_are_neither_listed_nor_opened() -> None:
    client = QdrantClient(":memory:")
    client.create_collection("theirs", vectors_config={})
    client.create_collection("hopcite_foreign", vectors_config={})
    open_server(client, "docs", RECORD, url=":memory:", create=True, prefetch=100, rrf_k=60)
    assert list_server(client, url=":memory:") == ["docs", "foreign"]
    with pytest.raises(CollectionMismatch, match="not made by Hopcite"):
        open_server(client, "foreign", RECORD, url=":memory:", create=True, prefetch=100, rrf_k=60)
    drop_server(client, "docs", url=":memory:")
    assert list_server(client, url=":memory:") == ["foreign"]
    with pytest.raises(NotFound, match="'docs'"):
        drop_server(client, "docs", url=":memory:")
    client.close()
