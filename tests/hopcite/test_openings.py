"""The states of openings: read once on a machine, and never in the way of a request."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from hopcite.chat import Message
from hopcite.openings import OpeningStates

TASK: tuple[Message, ...] = ({"role": "system", "content": "Answer."}, {"role": "user", "content": "An example."})
PLAN: tuple[Message, ...] = ({"role": "system", "content": "Plan."},)


def asked(opening: tuple[Message, ...], question: str = "Why?") -> list[Message]:
    return [*opening, {"role": "user", "content": question}]


@dataclass
class Server:
    """llama.cpp's slot as far as openings go: it holds the last prompt, saves it, and loads what it has saved."""

    folder: Path
    able: bool = True
    asked_for: list[str] = field(default_factory=list)
    slot: str = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        path, _, action = str(request.url).removeprefix("http://here").partition("?action=")
        self.asked_for.append(action or path.removeprefix("/"))
        if path == "/apply-template":
            return httpx.Response(200, json={"prompt": "".join(turn["content"] for turn in body["messages"])})
        if path == "/completion":
            self.slot = body["prompt"]
            return httpx.Response(200, json={"content": ""})
        if not self.able:
            return httpx.Response(501, json={"error": {"message": "no slots"}})
        file = self.folder / body["filename"]
        if action == "save":
            file.write_text(f"state: {self.slot}", encoding="utf-8")
        elif not file.read_text(encoding="utf-8").startswith("state: "):
            return httpx.Response(400, json={"error": {"message": "unable to restore slot"}})
        else:
            self.slot = file.read_text(encoding="utf-8").removeprefix("state: ")
        return httpx.Response(200, json={})


def entered(server: Server, *prompts: list[Message], reader: str = "model 1") -> list[str]:
    """What a new process asks the server for, and in the end its files are whole."""
    states = OpeningStates((TASK, PLAN), server.folder, reader=reader)
    server.asked_for.clear()

    async def enter() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
            for prompt in prompts:
                await states.enter(client, "http://here/v1", prompt)

    asyncio.run(enter())
    assert all(file.suffix == ".bin" for file in server.folder.iterdir())
    return list(server.asked_for)


def test_an_opening_is_read_once_on_a_machine(tmp_path: Path) -> None:
    server = Server(tmp_path)
    assert entered(server, asked(TASK), asked(TASK, "How?")) == ["apply-template", "completion", "save"]
    assert server.slot == "Answer.An example."
    server.slot = "what an earlier question left"
    assert entered(server, asked(TASK)) == ["apply-template", "completion", "restore"]
    assert server.slot == "Answer.An example."


def test_each_opening_has_its_own_state(tmp_path: Path) -> None:
    server = Server(tmp_path)
    entered(server, asked(TASK), asked(PLAN))
    assert len(list(tmp_path.iterdir())) == 2
    entered(server, asked(TASK), asked(PLAN))
    assert server.slot == "Plan."


def test_another_model_reads_for_itself(tmp_path: Path) -> None:
    server = Server(tmp_path)
    entered(server, asked(PLAN))
    assert "restore" not in entered(server, asked(PLAN), reader="model 2")


def test_a_prompt_that_begins_otherwise_is_left_alone(tmp_path: Path) -> None:
    assert entered(Server(tmp_path), [TASK[0], {"role": "user", "content": "Why?"}]) == []


def test_a_damaged_state_is_read_and_stored_anew(tmp_path: Path) -> None:
    server = Server(tmp_path)
    entered(server, asked(TASK))
    [file] = tmp_path.iterdir()
    file.write_text("half", encoding="utf-8")
    assert entered(server, asked(TASK))[-3:] == ["restore", "completion", "save"]
    assert file.read_text(encoding="utf-8") == "state: Answer.An example."


def test_a_server_that_keeps_no_states_is_asked_as_ever(tmp_path: Path) -> None:
    entered(Server(tmp_path, able=False), asked(TASK), asked(PLAN))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away_is_the_requests_own_trouble(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async def enter() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
            await OpeningStates((TASK,), tmp_path, reader="model 1").enter(client, "http://here/v1", asked(TASK))

    asyncio.run(enter())


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    part = tmp_path / "0123456789abcdef.01234567.part"
    part.touch()
    os.utime(part, (1000, 1000))
    entered(Server(tmp_path), asked(TASK))


@pytest.mark.parametrize("older", [7, 20])
def test_the_newest_eight_states_are_kept(tmp_path: Path, older: int) -> None:
    for age in range(1, older + 1):
        file = tmp_path / f"{age}.bin"
        file.touch()
        os.utime(file, (10_000 - age, 10_000 - age))
    entered(Server(tmp_path), asked(TASK))
    assert len(list(tmp_path.iterdir())) == 8
    assert {f"{age}.bin" for age in range(1, 8)} < {file.name for file in tmp_path.iterdir()}
