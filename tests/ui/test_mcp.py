"""The MCP server as a client meets it: over JSON-RPC in memory, and as a process over stdio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from hopcite.chat import Chat
from hopcite.settings import Settings
from hopcite.types import Answer, Document
from hopcite.wire import AnswerBody
from retrieval import open_collection
from tests.fakes import HashingEncoder, ScriptedChat
from tests.ui.conftest import DOCUMENTS, QUESTION, RAILWAY, REPLY
from tests.ui.test_api_live import EndlessChat
from ui.mcp.progress import told
from ui.mcp.server import create_server
from ui.state import Parts

ROOT = Path(__file__).parents[2]
CITED = "The Harrow Pass Railway was surveyed by Ottilie Brandvold."
# RAILWAY's second sentence: the first has 67 characters, and a space follows.
START, END = 68, 126
Talk = Callable[[Client], Coroutine[Any, Any, None]]


def talk(settings: Settings, conversation: Talk, *, chat: Chat | None = None, filled: bool = True) -> None:
    """Have a conversation with a server over two documents (none if not `filled`), as clients of today do."""

    async def run() -> None:
        async with served(settings, chat or ScriptedChat([]), filled=filled) as client:
            await conversation(client)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def served(settings: Settings, chat: Chat, *, filled: bool) -> AsyncIterator[Client]:
    parts = Parts(settings, encoder=HashingEncoder(), chat=chat)
    if filled:
        await parts.add_documents([Document(new["id"], new["title"], new["text"], new["source"]) for new in DOCUMENTS])
    async with Client(create_server(parts), mode="legacy") as client:
        yield client


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def body_of(result: CallToolResult) -> Any:
    assert not result.is_error, text_of(result)
    return result.structured_content


def failure_of(result: CallToolResult) -> str:
    assert result.is_error
    assert result.structured_content is None
    line = text_of(result)
    assert "\n" not in line
    return line


def test_the_tools_say_what_they_take_and_change_nothing(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        assert client.server_info is not None
        assert client.server_info.name == "hopcite"
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.resources is None
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["ask", "search", "list_documents", "read_document"]
        for tool in tools.values():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.input_schema["additionalProperties"] is False
            assert all("description" in field for field in tool.input_schema["properties"].values())
        assert list(tools["ask"].input_schema["properties"]) == ["question", "collection", "mode", "deadline"]
        assert tools["ask"].input_schema["required"] == ["question"]
        limit = tools["search"].input_schema["properties"]["limit"]
        assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 50, 10)

    talk(settings, conversation)


def test_an_answer_is_text_for_a_model_and_the_whole_answer_for_a_program(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        result = await client.call_tool("ask", {"question": QUESTION})
        assert text_of(result) == (
            "Ottilie Brandvold\n\n"
            f"{CITED} [1]\n\n"
            f'[1] Harrow Pass Railway (railway.md); document "railway", characters {START} to {END}\n'
            f"    “{CITED}”\n\n"
            f"Status: answered. Confidence: {body_of(result)['confidence']:.2f}."
        )
        answer = AnswerBody.model_validate(body_of(result))
        [citation] = answer.citations
        assert (citation.quote, citation.start, citation.end) == (CITED, START, END)
        assert answer.usage.llm_calls == 1
        read = await client.call_tool(
            "read_document", {"document_id": "railway", "start": START, "length": END - START}
        )
        assert body_of(read)["text"] == CITED

    talk(settings, conversation, chat=ScriptedChat([REPLY]))


def test_each_stage_is_told_to_who_asks_for_progress(settings: Settings) -> None:
    notes: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notes.append((progress, total, message))

    async def conversation(client: Client) -> None:
        await client.call_tool("ask", {"question": QUESTION}, progress_callback=note)

    talk(settings, conversation, chat=ScriptedChat([REPLY]))
    lines = [line for _, _, line in notes]
    assert [number for number, _, _ in notes] == list(range(1, len(notes) + 1))
    assert {total for _, total, _ in notes} == {None}
    stages = ["Searching…", "Reading 2 passages…", "Writing…", "Checking the quotes…"]
    assert [line for line in lines if line in stages] == stages


def test_a_long_stage_is_told_again() -> None:
    said: list[str] = []
    enough = asyncio.Event()

    async def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            enough.set()

    async def silent(_: object) -> Answer:
        await enough.wait()
        raise ValueError("the end")

    with pytest.raises(ValueError, match="the end"):
        asyncio.run(told(silent, say, heartbeat_s=0.01))
    assert len(set(said)) == 1


def test_a_call_that_is_cancelled_ends_the_models_work(settings: Settings) -> None:
    chat = EndlessChat([])

    async def conversation(client: Client) -> None:
        asking = asyncio.create_task(client.call_tool("ask", {"question": QUESTION}))
        assert await asyncio.to_thread(chat.writing.wait, 20)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(chat.cancelled.wait, 20)
        assert (await client.call_tool("list_documents")).structured_content["total"] == 2

    talk(settings, conversation, chat=chat)


def test_a_client_that_leaves_ends_the_models_work(settings: Settings) -> None:
    chat = EndlessChat([])
    asking: set[asyncio.Task[CallToolResult]] = set()

    async def conversation(client: Client) -> None:
        asking.add(asyncio.create_task(client.call_tool("ask", {"question": QUESTION})))
        assert await asyncio.to_thread(chat.writing.wait, 20)

    talk(settings, conversation, chat=chat)
    assert chat.cancelled.is_set()
    assert isinstance(asking.pop().exception(), MCPError)


def test_passages_come_whole_and_can_be_found_again(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        result = await client.call_tool("search", {"query": "narrow-gauge line", "limit": 1})
        assert text_of(result) == (
            f'1. Harrow Pass Railway (railway.md); document "railway", characters 0 to {END}\n{RAILWAY}'
        )
        [hit] = body_of(result)["hits"]
        assert (hit["document_id"], hit["text"], hit["rank"]) == ("railway", RAILWAY, 1)

    talk(settings, conversation)


def test_documents_are_listed_and_read_in_parts(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        listed = await client.call_tool("list_documents", {"offset": 1, "limit": 5})
        assert text_of(listed) == (
            "2 documents in the collection 'documents'.\nNumbers 2 to 2:\n"
            '- Ottilie Brandvold (surveyor.md); document "surveyor", 1 passage'
        )
        assert body_of(listed)["collections"] == ["documents"]
        part = await client.call_tool("read_document", {"document_id": "railway", "start": 4, "length": 19})
        assert text_of(part) == (
            'Harrow Pass Railway (railway.md); document "railway", characters 4 to 23 of 126. '
            "The next part starts at 23.\n\nHarrow Pass Railway"
        )
        assert body_of(part)["total"] == 126
        rest = await client.call_tool("read_document", {"document_id": "railway", "start": 23})
        assert body_of(rest)["text"] == RAILWAY[23:]

    talk(settings, conversation)


WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("ask", {"question": "Who?", "collection": "absent"}, ["absent", "hopcite ingest"]),
    ("ask", {"question": ""}, ["question", "at least 1"]),
    ("ask", {}, ["question", "missing"]),
    ("ask", {"question": "Who?", "mode": "sometimes"}, ["mode", "sometimes"]),
    ("ask", {"question": "Who?", "deadline": 0}, ["deadline"]),
    ("search", {"query": "x", "limit": 51}, ["limit", "50", "51"]),
    ("search", {"query": "x", "filter": "y"}, ["filter", "no such field"]),
    ("search", {"query": "x", "collection": "../x"}, ["collection"]),
    ("read_document", {"document_id": "absent"}, ["absent"]),
    ("read_document", {"document_id": "railway", "start": 127}, ["start", "126", "127"]),
]


def test_a_wrong_call_is_an_error_of_one_line(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        for tool, arguments, words in WRONG:
            line = failure_of(await client.call_tool(tool, arguments))
            assert all(word in line for word in words), line

    talk(settings, conversation)


def test_an_unknown_tool_is_an_error_of_the_protocol(settings: Settings) -> None:
    async def conversation(client: Client) -> None:
        with pytest.raises(MCPError, match="delete_document"):
            await client.call_tool("delete_document", {"document_id": "railway"})

    talk(settings, conversation)


def test_what_nobody_foresaw_stays_in_the_log(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async def conversation(client: Client) -> None:
        line = failure_of(await client.call_tool("ask", {"question": QUESTION}))
        assert "secret" not in line
        assert "log" in line

    talk(settings, conversation, chat=ScriptedChat([ValueError("a secret")]))
    assert "a secret" in caplog.text


def test_a_collection_that_is_open_elsewhere_says_so(settings: Settings) -> None:
    holder = open_collection(settings, HashingEncoder(), create=True)

    async def conversation(client: Client) -> None:
        line = failure_of(await client.call_tool("search", {"query": "x"}))
        assert "open in another process" in line
        holder.close()
        assert body_of(await client.call_tool("search", {"query": "x"})) == {"hits": []}

    try:
        talk(settings, conversation, filled=False)
    finally:
        holder.close()


def test_the_command_speaks_nothing_but_the_protocol_on_stdout(tmp_path: Path) -> None:
    # The SDK starts servers with PATH, HOME and little else: no setting of this environment reaches it.
    command = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from ui.cli import main; main()", "mcp"],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    strange: list[object] = []

    async def note(message: object) -> None:
        strange.append(message)

    async def conversation() -> None:
        with (tmp_path / "log").open("w") as log:
            async with Client(stdio_client(command, errlog=log), message_handler=note) as client:
                assert len((await client.list_tools()).tools) == 4
                assert "0 documents" in text_of(await client.call_tool("list_documents"))
                assert "hopcite ingest" in failure_of(await client.call_tool("search", {"query": "x"}))

    asyncio.run(conversation())
    assert strange == []
    assert str(tmp_path / ".hopcite") in (tmp_path / "log").read_text()
