from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from retrieval.index.edge import open_edge
from retrieval.index.port import Index
from retrieval.index.server import connect, drop_server, open_server
from retrieval.index.stored import Record

Open = Callable[..., Index | None]
"""Opens the collection "t" of the store under test: `open_index(record, create=True)`."""

RECORD = Record("hashing-64", 64)
SERVER = os.environ.get("HOPCITE_TEST_QDRANT_URL")
STORES = [
    "edge",
    "memory",
    pytest.param(
        "server",
        marks=[
            pytest.mark.qdrant_server,
            pytest.mark.skipif(not SERVER, reason="HOPCITE_TEST_QDRANT_URL names no Qdrant server"),
        ],
    ),
]


@pytest.fixture(params=STORES)
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "edge":
        yield lambda record=RECORD, create=False: open_edge(
            tmp_path / "collections" / "t", record, create=create, prefetch=100, rrf_k=60
        )
        return
    url = SERVER if request.param == "server" else ":memory:"
    assert url is not None
    client = QdrantClient(":memory:") if url == ":memory:" else connect(url, api_key=None, timeout_s=30)
    name = f"test-{uuid.uuid4().hex}"
    yield lambda record=RECORD, create=False: open_server(
        client, name, record, url=url, create=create, prefetch=100, rrf_k=60
    )
    if url != ":memory:" and client.collection_exists(f"hopcite_{name}"):
        drop_server(client, name, url=url)
    client.close()


@pytest.fixture
def index(open_index: Open) -> Iterator[Index]:
    opened = open_index(create=True)
    assert opened is not None
    yield opened
    opened.close()
