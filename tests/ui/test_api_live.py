"""What only a listening server shows: callers that go away, work that blocks, many at once, a taken port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from hopcite.budget import Budget
from hopcite.chat import Completion, Message
from hopcite.errors import DataFolderBusy, UsageError
from hopcite.settings import ServerSettings, Settings
from retrieval import Collection, open_collection
from retrieval.index.port import Vectors
from tests.fakes import HashingEncoder, ScriptedChat
from tests.ui.conftest import DOCUMENTS, QUESTION, REPLY, Live, listening, until
from ui.server import create_app
from ui.server import serve as serve_until_stopped
from ui.state import Parts

Serve = Callable[..., Live]


@dataclass
class EndlessChat(ScriptedChat):
    """Writes a first piece and never ends; notes when it is cancelled."""

    writing: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        if on_text:
            on_text("Once upon a time")
        self.writing.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError("an event that nobody sets was set")


class BlockingEncoder(HashingEncoder):
    """Encodes queries when it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = threading.Event()

    def encode_queries(self, texts: Sequence[str]) -> list[Vectors]:
        if list(texts) != ["warm-up"]:
            self.entered.set()
            assert self.let_go.wait(20)
        return super().encode_queries(texts)


def test_a_reader_of_events_who_leaves_ends_the_run(serve: Serve) -> None:
    chat = EndlessChat([])
    live = serve(chat=chat)
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
    with httpx.stream(
        "POST", f"{live.url}/v1/ask", json={"question": QUESTION}, headers={"accept": "text/event-stream"}
    ) as response:
        lines = response.iter_lines()  # held, since an iterator that is dropped closes the connection
        for line in lines:
            if line == 'data: {"text": "Once upon a time"}':
                break
        assert not chat.cancelled.is_set()
    assert chat.cancelled.wait(30)


def test_a_caller_who_waits_for_json_and_leaves_ends_the_run(serve: Serve) -> None:
    chat = EndlessChat([])
    live = serve(chat=chat)
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{live.url}/v1/ask", json={"question": QUESTION}, timeout=1.0)
    assert chat.writing.is_set()
    assert chat.cancelled.wait(30)


def test_a_search_that_blocks_does_not_block_the_health_check(serve: Serve) -> None:
    encoder = BlockingEncoder()
    live = serve(chat=ScriptedChat([]), encoder=encoder)
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
    with ThreadPoolExecutor() as pool:
        searching = pool.submit(httpx.post, f"{live.url}/v1/search", json={"query": "Kestmark"}, timeout=20)
        assert encoder.entered.wait(10)
        assert httpx.get(f"{live.url}/healthz", timeout=5).status_code == 200
        encoder.let_go.set()
        assert searching.result().json()["hits"][0]["document_id"] == "surveyor"


def test_writers_and_readers_at_once_lose_nothing(serve: Serve) -> None:
    live = serve(chat=ScriptedChat([REPLY] * 4))
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()

    def add(n: int) -> int:
        new = {"id": f"d{n}", "title": f"Town {n}", "text": f"Town number{n} lies on the Oss."}
        return httpx.post(f"{live.url}/v1/documents", json={"documents": [new]}, timeout=60).status_code

    def ask(_: int) -> str:
        body = httpx.post(f"{live.url}/v1/ask", json={"question": QUESTION}, timeout=60).json()
        return str(body["short_answer"])

    with ThreadPoolExecutor(8) as pool:
        added = pool.map(add, range(8))
        asked = pool.map(ask, range(4))
        assert set(added) == {200}
        assert set(asked) == {"Ottilie Brandvold"}
    listed = httpx.get(f"{live.url}/v1/documents").json()["documents"]
    assert {entry["id"] for entry in listed} == {"railway", "surveyor", *(f"d{n}" for n in range(8))}
    for n in range(8):
        hits = httpx.post(f"{live.url}/v1/search", json={"query": f"number{n}", "mode": "sparse"}).json()["hits"]
        assert hits[0]["document_id"] == f"d{n}"


def test_a_thread_that_is_answering_refuses_a_second_question_and_its_end(serve: Serve) -> None:
    chat = EndlessChat([])
    live = serve(chat=chat)
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
    body, thread = {"question": QUESTION, "thread": "talk"}, f"{live.url}/v1/threads/talk"
    with httpx.stream("POST", f"{live.url}/v1/ask", json=body, headers={"accept": "text/event-stream"}):
        assert chat.writing.wait(20)
        second = httpx.post(f"{live.url}/v1/ask", json=body)
        deleted = httpx.delete(thread)
    assert chat.cancelled.wait(30)
    for refused in (second, deleted):
        assert refused.status_code == 409
        assert "'talk'" in refused.json()["detail"]
    assert httpx.get(thread).json()["unfinished"] == QUESTION
    until(lambda: httpx.delete(thread).status_code == 204)  # the run that was left is ending
    assert httpx.get(thread).status_code == 404


def test_threads_are_answered_side_by_side(serve: Serve) -> None:
    live = serve(chat=ScriptedChat([REPLY] * 6))
    httpx.post(f"{live.url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()

    def ask(n: int) -> int:
        body = {"question": QUESTION, "thread": f"talk-{n}"}
        return httpx.post(f"{live.url}/v1/ask", json=body, timeout=60).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {200}
    threads = httpx.get(f"{live.url}/v1/threads").json()["threads"]
    assert {(thread["name"], thread["turns"]) for thread in threads} == {(f"talk-{n}", 1) for n in range(6)}


def test_who_goes_away_while_a_collection_opens_does_not_leave_it_locked(settings: Settings) -> None:
    async def leave_and_come_back() -> Collection:
        parts = Parts(settings, encoder=HashingEncoder())
        leaving = asyncio.create_task(parts.collection(create=True))
        await asyncio.sleep(0.001)
        leaving.cancel()
        try:
            return await parts.collection()
        finally:
            await parts.aclose()

    for _ in range(5):
        assert asyncio.run(leave_and_come_back()).name == settings.collection


def test_a_taken_port_is_told_in_one_line(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}.*--port") as raised:
            serve_until_stopped(settings.model_copy(update={"server": ServerSettings(port=port)}))
    assert raised.value.exit_status == 2
    assert "\n" not in str(raised.value)


def test_a_server_that_stops_frees_its_data_folder(settings: Settings) -> None:
    parts = Parts(settings, encoder=HashingEncoder(), chat=ScriptedChat([]))
    with listening(create_app(settings, parts=parts, page=False)) as url:
        httpx.post(f"{url}/v1/documents", json={"documents": DOCUMENTS}).raise_for_status()
        with pytest.raises(DataFolderBusy):
            open_collection(settings, HashingEncoder())
    opened = open_collection(settings, HashingEncoder())
    assert opened.index.count() >= len(DOCUMENTS)
    opened.close()
