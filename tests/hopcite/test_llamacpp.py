"""The embedded llama.cpp with the default model: one server, loaded once for all tests here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import BaseModel, Field

from hopcite.budget import Budget
from hopcite.chat import Completion, Message
from hopcite.errors import ModelFileError, UsageError
from hopcite.llamacpp import EmbeddedServer
from hopcite.openai_chat import OpenAIChat, open_chat
from hopcite.openings import Opening, OpeningStates
from hopcite.settings import LLMSettings, Settings


class Pair(BaseModel):
    """A shape that no model writes unasked."""

    zebra: int = Field(ge=0)
    quokka: list[str] = Field(min_length=2, max_length=2)


def ask(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def chat(loop: asyncio.Runner, model_dir: Path) -> Iterator[OpenAIChat]:
    chat = open_chat(Settings(model_dir=model_dir, llm=LLMSettings(context_tokens=1024)))
    yield chat
    loop.run(chat.aclose())


@pytest.mark.models
def test_it_completes_and_counts(chat: OpenAIChat, loop: asyncio.Runner) -> None:
    heard: list[str] = []
    budget = Budget()
    question = ask("What is the capital of France? Reply with one word.")
    done = loop.run(chat.complete(question, max_tokens=8, budget=budget, on_text=heard.append))
    assert "Paris" in done.text
    assert "".join(heard).strip() == done.text
    assert done.finish_reason == "stop"
    assert (budget.llm_calls, budget.prompt_tokens) == (1, done.prompt_tokens)
    assert 10 < done.prompt_tokens < 60
    assert 1 <= done.completion_tokens <= 8


@pytest.mark.models
def test_the_grammar_enforces_the_schema(chat: OpenAIChat, loop: asyncio.Runner) -> None:
    budget = Budget()
    pair = loop.run(chat.parse(ask("Tell me about two animals."), Pair, max_tokens=64, budget=budget))
    assert len(pair.quokka) == 2
    assert budget.llm_calls == 1, "no repair"


@pytest.mark.models
def test_the_right_label_is_likelier(chat: OpenAIChat, loop: asyncio.Runner) -> None:
    question = ask("Which is a city?\nA: Paris\nB: seven\nReply with the letter alone.")
    found = loop.run(chat.label_logprobs(question, ["A", "B", "zyzzyva"], budget=Budget()))
    assert set(found) == {"A", "B"}
    assert found["B"] < found["A"] <= 0


@pytest.mark.models
def test_a_deadline_ends_the_reply_and_frees_the_server(chat: OpenAIChat, loop: asyncio.Runner) -> None:
    loop.run(chat.complete(ask("Say yes."), max_tokens=4, budget=Budget()))  # loading counts, so it comes first
    question = ask("Write a Python dictionary from the numbers 1 to 300 to their names in English, in full.")
    done = loop.run(chat.complete(question, max_tokens=800, budget=Budget(deadline_s=2)))
    assert done.finish_reason == "deadline"
    again = loop.run(chat.complete(ask("Say yes."), max_tokens=4, budget=Budget(deadline_s=60)))
    assert again.finish_reason != "deadline", "the one slot is free again"


@pytest.mark.models
def test_a_question_longer_than_the_window(chat: OpenAIChat, loop: asyncio.Runner) -> None:
    question = ask("railway " * 2000)
    assert loop.run(chat.count_tokens("railway " * 2000)) >= 2000
    with pytest.raises(UsageError, match="does not fit the model's window"):
        loop.run(chat.complete(question, max_tokens=8, budget=Budget()))


@pytest.mark.models
def test_what_prompts_begin_with_is_read_once_on_a_machine(model_dir: Path, tmp_path: Path) -> None:
    opening: Opening = (
        {"role": "system", "content": "You name the town, and nothing else. " * 8},
        {"role": "user", "content": "Mirel Bridge crosses the Oss at Tarn. Where is the bridge?"},
        {"role": "assistant", "content": "Tarn"},
    )

    def reply() -> Completion:
        """Of a new process."""
        llm = LLMSettings(context_tokens=1024, concurrency=1)
        model = model_dir / f"{llm.model}.gguf"
        server = EmbeddedServer(model, context_tokens=1024, states=tmp_path)
        states = OpeningStates([opening], tmp_path, reader="the default model")
        chat = OpenAIChat(llm, server.start, on_close=server.close, states=states)
        prompt = [*opening, *ask("Ottilie Brandvold was born in Kestmark. Where was she born?")]

        async def once() -> Completion:
            try:
                return await chat.complete(prompt, max_tokens=8, budget=Budget())
            finally:
                await chat.aclose()

        return asyncio.run(once())

    first = reply()
    [state] = tmp_path.iterdir()
    written, size = state.stat().st_mtime_ns, state.stat().st_size
    assert (reply(), state.stat().st_mtime_ns) == (first, written), "loaded, and not read again"
    state.write_bytes(state.read_bytes()[:1000])
    assert (reply().text, state.stat().st_size) == (first.text, size), "a damaged one is read anew"


@pytest.mark.models
def test_only_who_holds_the_key_is_served_and_close_ends_it(model_dir: Path) -> None:
    server = EmbeddedServer(model_dir / f"{Settings().llm.model}.gguf", context_tokens=1024)
    endpoint = server.start()
    assert server.start() == endpoint, "loaded once"
    body = {"messages": ask("Say yes."), "max_tokens": 1}
    assert endpoint.base_url.startswith("http://127.0.0.1:")
    assert httpx.post(f"{endpoint.base_url}/chat/completions", json=body).status_code == 401
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(endpoint.base_url)


def test_a_file_that_is_no_model_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ModelFileError, match="hopcite models pull") as caught:
        EmbeddedServer(path, context_tokens=1024).start()
    assert str(path) in str(caught.value)


def test_a_model_that_was_not_pulled_is_said_when_first_asked(tmp_path: Path) -> None:
    chat = open_chat(Settings(model_dir=tmp_path))
    with pytest.raises(ModelFileError, match="hopcite models pull"):
        asyncio.run(chat.complete(ask("Say yes."), max_tokens=4, budget=Budget()))
