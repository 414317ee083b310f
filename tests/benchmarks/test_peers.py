"""What the frameworks share, without the frameworks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent.prompts import WRITE_SYSTEM
from benchmarks.peers import SHORT_ANSWER, Meter, written_call
from tests.servers import ScriptedServer, refusal, said

Serve = Callable[..., tuple[ScriptedServer, str]]


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "search", "arguments": {"query": "Tarn"}}',
        '```json\n{"name": "search", "arguments": {"query": "Tarn"}}\n```',
        'I will look it up: {"name": "search", "arguments": {"query": "Tarn"}} and then answer.',
    ],
)
def test_a_call_that_is_spelt_out_is_found(reply: str) -> None:
    assert written_call(reply, "search") == {"query": "Tarn"}


@pytest.mark.parametrize(
    "reply",
    [
        "Tarn is a market town.",
        '{"name": "delete", "arguments": {"query": "Tarn"}}',
        '{"name": "search", "arguments": "Tarn"}',
        '{"name": "search", "arguments": {"query": "Tarn"',
        '{"query": "Tarn"}',
        '["search", {"query": "Tarn"}]',
        "",
    ],
)
def test_what_is_no_call_of_the_tool_is_an_answer(reply: str) -> None:
    assert written_call(reply, "search") is None


def test_the_meter_counts_what_the_server_bills_and_no_refused_call(serve: Serve) -> None:
    _, url = serve(said("yes", 11, 3), refusal(400), said("no", 20, 1))

    async def spent() -> tuple[int, int, int]:
        meter = Meter()
        async with meter.http as http:
            for _ in range(3):
                await http.post(f"{url}/v1/chat/completions", json={"messages": []})
        return meter.spent

    assert asyncio.run(spent()) == (2, 31, 4)


def test_the_others_are_asked_for_a_short_answer_in_the_words_of_hopcite() -> None:
    assert SHORT_ANSWER in WRITE_SYSTEM
