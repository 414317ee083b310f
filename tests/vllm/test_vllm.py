"""What Hopcite asks of vLLM, asked of a real one: `make test-vllm`."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import pytest
from pydantic import BaseModel

from hopcite.budget import Budget
from hopcite.chat import Message
from hopcite.openai_chat import OpenAIChat, open_chat
from hopcite.settings import LLMSettings, Settings
from hopcite.types import Chunk
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.prompts import LETTERS
from tests.oracle import passage
from tests.vllm.convert import REPETITION_PENALTY

pytestmark = pytest.mark.vllm

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
THINKING = ("rank-r1", "reason-rank", "erank")
WINDOW = 4096
QUESTION = "Who surveyed the railway over the Skarn pass?"
TEXTS = [
    "Rye bread is baked slowly in a falling oven.",
    "The railway over the Skarn pass was surveyed in 1871 by Edda Lorne.",
    "Herring gulls follow the boats into the harbour.",
    "A tarn is a small mountain lake.",
    "The town hall has a clock with one hand.",
    "Wool is washed before it is carded.",
]


@dataclass(frozen=True)
class Vllm:
    """The server under test. `model`: the name by which it knows its model."""

    url: str
    model: str

    def asked(self, use: Callable[[OpenAIChat], Coroutine[Any, Any, T]], *, concurrency: int = 8) -> T:
        """Open a chat, use it, close it."""

        async def run() -> T:
            llm = LLMSettings(
                base_url=self.url, model=self.model, context_tokens=WINDOW, timeout_s=300, concurrency=concurrency
            )
            chat = open_chat(Settings(llm=llm))
            try:
                return await use(chat)
            finally:
                await chat.aclose()

        return asyncio.run(run())

    def counted(self, *names: str) -> list[float]:
        """Counters of the server, summed over their labels."""
        text = httpx.get(f"{self.url.removesuffix('/v1')}/metrics", trust_env=False).text
        return [sum(map(float, re.findall(rf"^vllm:{name}\{{[^}}]*\}} (\S+)$", text, re.MULTILINE))) for name in names]


@pytest.fixture(scope="module")
def vllm() -> Vllm:
    url = os.environ["HOPCITE_TEST_VLLM_URL"].rstrip("/")
    return Vllm(url, httpx.get(f"{url}/models", trust_env=False).json()["data"][0]["id"])


def says(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def test_a_reply_streams_and_is_billed(vllm: Vllm) -> None:
    budget, pieces = Budget(), list[str]()

    async def use(chat: OpenAIChat) -> None:
        reply = await chat.complete(
            says("Count from 1 to 5, with commas."), max_tokens=40, budget=budget, on_text=pieces.append
        )
        assert [int(n) for n in re.findall(r"\d+", reply.text)][:5] == [1, 2, 3, 4, 5]
        assert reply.finish_reason == "stop"
        assert (reply.prompt_tokens, reply.completion_tokens) == (budget.prompt_tokens, budget.completion_tokens)
        cut = await chat.complete(says("Count from 1 to 50."), max_tokens=5, budget=Budget())
        assert (cut.finish_reason, cut.completion_tokens) == ("length", 5)

    vllm.asked(use)
    assert len(pieces) > 1  # a busy server sends several tokens as one piece
    assert budget.llm_calls == 1


def test_the_models_own_sampling_is_not_in_force(vllm: Vllm) -> None:
    """The model's folder asks for a repetition penalty, which a list of commas and digits does not survive."""
    body = {
        "model": vllm.model,
        "messages": says("Count from 1 to 20, with commas."),
        "max_tokens": 60,
        "temperature": 0,
    }

    def replied(**extra: float) -> str:
        reply = httpx.post(f"{vllm.url}/chat/completions", json={**body, **extra}, timeout=300, trust_env=False)
        return str(reply.json()["choices"][0]["message"]["content"])

    assert replied() == replied(repetition_penalty=1.0)
    assert replied() != replied(repetition_penalty=REPETITION_PENALTY)


def test_tokens_are_the_servers(vllm: Vllm) -> None:
    async def use(chat: OpenAIChat) -> None:
        assert await chat.count_tokens("one two three") == 3
        assert await chat.count_tokens("") == 0

    vllm.asked(use)


class Paint(BaseModel):
    """What no model would reply by itself."""

    colour: Literal["mauve", "ochre"]
    glossy: bool


def test_the_schema_binds_the_reply(vllm: Vllm) -> None:
    async def use(chat: OpenAIChat) -> None:
        budget = Budget()
        paint = await chat.parse(says("What is the capital of France?"), Paint, max_tokens=60, budget=budget)
        assert paint.colour in ("mauve", "ochre")
        assert budget.llm_calls == 1  # nothing had to be repaired

    vllm.asked(use)


def test_label_logprobs_are_those_of_the_first_token(vllm: Vllm) -> None:
    async def use(chat: OpenAIChat) -> None:
        messages = says("Which letter comes first in the alphabet? Reply with one letter: A, B, C or D.")
        found = await chat.label_logprobs(messages, list(LETTERS), budget=Budget())
        assert found
        assert all(math.isfinite(value) and value <= 1e-6 for value in found.values())
        assert sum(map(math.exp, found.values())) <= 1 + 1e-6
        reply = await chat.complete(messages, max_tokens=1, budget=Budget())
        assert max(found, key=lambda label: found[label]) == reply.text

    vllm.asked(use)


def test_the_second_rerank_of_the_same_candidates_is_cheaper(vllm: Vllm) -> None:
    # Nobody asked this before, and each prompt is longer than a block of the cache: 128 tokens on a CPU, 16 on a GPU.
    question = f"{QUESTION} ({uuid.uuid4()})"
    candidates = [passage(f"{text} " * 20, number) for number, text in enumerate(TEXTS)]

    def prefilled() -> float:
        prompt, cached = vllm.counted("prompt_tokens_total", "prompt_tokens_cached_total")
        return prompt - cached

    async def use(chat: OpenAIChat) -> tuple[float, float]:
        reranker = ChatReranker(chat, CHAT_METHODS["yes-no"])
        before = prefilled()
        first = await reranker.rerank(question, candidates, budget=Budget())
        between = prefilled()
        second = await reranker.rerank(question, candidates, budget=Budget())
        assert first.order == second.order
        assert first.prompt_tokens == second.prompt_tokens
        return between - before, prefilled() - between

    first, second = vllm.asked(use)
    assert first > 6 * 128
    assert second < first / 2


def test_nothing_is_lost_when_many_ask_at_once(vllm: Vllm) -> None:
    many = 120

    async def use(chat: OpenAIChat) -> list[str]:
        async def one(number: int) -> str:
            messages = says(f"Repeat this number and nothing else: {number}")
            return (await chat.complete(messages, max_tokens=6, budget=budget)).text

        budget = Budget()
        replies = await asyncio.gather(*(one(1000 + number) for number in range(many)))
        assert budget.llm_calls == many
        return list(replies)

    replies = vllm.asked(use, concurrency=many)
    # Each caller got its own reply; a small model may get a digit wrong now and then.
    right = sum(str(1000 + number) in reply for number, reply in enumerate(replies))
    assert right >= 0.9 * many


@pytest.mark.parametrize("method", CHAT_METHODS)
def test_every_method_ranks_over_the_wire(method: str, vllm: Vllm) -> None:
    candidates: list[Chunk] = [passage(text, number) for number, text in enumerate(TEXTS)]

    async def use(chat: OpenAIChat) -> None:
        ranking = await ChatReranker(chat, CHAT_METHODS[method]).rerank(QUESTION, candidates, budget=Budget())
        assert sorted(ranking.order) == list(range(len(TEXTS)))
        assert 1 <= ranking.calls <= CHAT_METHODS[method].most_calls(len(TEXTS))
        assert ranking.prompt_tokens > 100
        if method in THINKING:  # a model this small may think of nothing to answer
            return
        # A model this small may find every pair a tie, which is no ranking; but each reply can be read.
        assert ranking.valid or ranking.notes[0] in ("all scores are equal", "no ranking: every pair is a tie")
        assert not any("can't be used" in note or "not reported" in note for note in ranking.notes)

    vllm.asked(use)


def test_one_question_end_to_end(vllm: Vllm, tmp_path: Path) -> None:
    def hopcite(*arguments: str) -> str:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
        own = {
            "HOPCITE_LLM__BASE_URL": vllm.url,
            "HOPCITE_LLM__MODEL": vllm.model,
            "HOPCITE_LLM__CONTEXT_TOKENS": str(WINDOW),
            "HOPCITE_RERANK__METHOD": "letters",
            "HOPCITE_DATA_DIR": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", "from ui.cli import main; main()", *arguments],
            cwd=ROOT, env={**bare, **own}, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    hopcite("ingest", "samples")
    answer = json.loads(
        hopcite("ask", "In which village was the designer of the Skelbarrow Observatory born?", "--json")
    )
    assert answer["usage"]["llm_calls"] >= 2
    assert answer["status"] in ("answered", "partial", "unanswerable")
    assert any(item["rerank_score"] is not None for item in answer["evidence"])
    texts = {item["chunk_id"]: item["text"] for item in answer["evidence"]}
    for citation in answer["citations"]:
        assert citation["quote"] in texts[citation["chunk_id"]]
