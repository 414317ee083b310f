"""Prompts and the model's window: they fit it by its own tokenizer, and one that does not costs a ranking at most."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hopcite.budget import Budget
from hopcite.chat import Chat, Message
from hopcite.errors import PromptTooLong
from hopcite.models import CATALOGUE
from hopcite.settings import RerankSettings
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.port import Ranking
from retrieval.rerank.recipes import RECIPES
from retrieval.rerank.weights import converted_folder
from tests.oracle import GarbageChat, OracleChat, passage, passages

METHODS = list(CHAT_METHODS)


def ranked(method: str, n: int, chat: Chat) -> Ranking:
    reranker = ChatReranker(chat, CHAT_METHODS[method])
    return asyncio.run(reranker.rerank("Who?", passages([4 * (7 * i % 47) for i in range(n)]), budget=Budget()))


class Longest(GarbageChat):
    """Keeps the longest prompt, and what its reply may take."""

    messages: Sequence[Message] = ()
    reply_tokens = 0

    def _keep(self, messages: Sequence[Message], reply_tokens: int) -> None:
        if sum(len(one["content"]) for one in messages) > sum(len(one["content"]) for one in self.messages):
            self.messages, self.reply_tokens = messages, reply_tokens

    async def complete(self, messages, *, max_tokens, **rest):  # type: ignore[no-untyped-def] # handed on
        self._keep(messages, max_tokens)
        return await super().complete(messages, max_tokens=max_tokens, **rest)

    async def parse(self, messages, schema, *, max_tokens, **rest):  # type: ignore[no-untyped-def] # handed on
        self._keep(messages, max_tokens)
        return await super().parse(messages, schema, max_tokens=max_tokens, **rest)

    async def label_logprobs(self, messages, labels, *, budget):  # type: ignore[no-untyped-def] # handed on
        self._keep(messages, 1)
        return await super().label_logprobs(messages, labels, budget=budget)


@pytest.fixture(scope="module")
def tokenizer(model_dir: Path) -> Any:
    from transformers import AutoTokenizer

    model = RerankSettings().model
    file, recipe = CATALOGUE[model].file, RECIPES[model]
    assert file is not None
    folder = converted_folder(
        model_dir / f"{model}.gguf", model_id=model, sha256=file.sha256, layers=recipe.stop, parent=model_dir
    )
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@pytest.mark.models
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("T", "The railway was surveyed by Ottilie Brandvold, and opened at Kestmark in 1911. " * 50),
        ("T", "3.14159265358979323846264338327950288419716939937510 " * 50),
        ("T", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย" * 50),
        ("12 34 " * 100, "word " * 500),
    ],
    ids=["English", "digits", "Thai", "long titles"],
)
def test_prompts_fit_the_window(method: str, title: str, text: str, tokenizer: Any) -> None:
    window = 4096
    chat = Longest(context_tokens=window, texts=["[1]"])
    candidates = [replace(passage(text, number), title=title) for number in range(45)]
    asyncio.run(ChatReranker(chat, CHAT_METHODS[method]).rerank("Who? " * 20, candidates, budget=Budget()))
    prompt = tokenizer.apply_chat_template(chat.messages, add_generation_prompt=True, tokenize=False)
    assert len(tokenizer(prompt)["input_ids"]) + chat.reply_tokens <= window


@pytest.mark.parametrize("method", METHODS)
def test_a_window_too_small_is_no_ranking(method: str) -> None:
    chat = OracleChat(context_tokens=300)
    ranking = ranked(method, 45, chat)
    if not ranking.valid:  # small lists may fit
        assert (ranking.order, chat.calls) == (tuple(range(45)), 0)
        assert "window of 300 tokens" in ranking.notes[0]
    assert ranking.valid == (method in ("yes-no", "grades") or method.startswith("pairwise"))


@pytest.mark.parametrize("method", METHODS)
def test_no_more_of_a_passage_is_asked_about_than_its_limit(method: str) -> None:
    chat = Longest(texts=["[1]"])
    reranker = ChatReranker(chat, CHAT_METHODS[method], passage_tokens=16)
    asyncio.run(reranker.rerank("Who?", [passage("z" * 500, number) for number in range(5)], budget=Budget()))
    shown = [len(run) for message in chat.messages for run in re.findall("zz+", message["content"])]
    assert set(shown) == {64}


@pytest.mark.parametrize("method", METHODS)
def test_publisher_and_date_are_read_with_the_title(method: str) -> None:
    chat = Longest(texts=["[1]"])
    dated = [replace(passage("t"), metadata={"publisher": "Oss Gazette", "published_at": "2023-10-03"})] * 5
    asyncio.run(ChatReranker(chat, CHAT_METHODS[method]).rerank("Who?", dated, budget=Budget()))
    assert "T0 (Oss Gazette, 2023-10-03)" in "".join(message["content"] for message in chat.messages)


def test_passages_that_the_window_makes_short_are_noted() -> None:
    chat = OracleChat(context_tokens=1024)
    ranking = ranked("letters", 20, chat)
    assert ranking.notes[0] == "passages are cut to 28 tokens, so that they fit the model's window"


@pytest.mark.parametrize("method", METHODS)
def test_a_prompt_that_the_server_finds_too_long_is_a_failed_reply(method: str) -> None:
    class Small(OracleChat):
        def _asked(self, messages: Sequence[Message], budget: Budget) -> NoReturn:
            raise PromptTooLong("maximum context length is 2048")

    ranking = ranked(method, 25, Small())
    assert (ranking.valid, ranking.order) == (False, tuple(range(25)))
    assert any("correct llm.context_tokens" in note for note in ranking.notes)
