"""The cache of replies: what a ranking depends on is in its key. What it costs is tested with whole runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import Deps
from evals.cache import CachedChat, CachedReranker, ReplyCache, with_cache
from hopcite.budget import Budget
from hopcite.chat import Completion, Message
from hopcite.settings import Settings
from hopcite.types import Chunk
from retrieval import open_collection
from retrieval.rerank.cascade import CascadeReranker
from retrieval.rerank.port import Ranking, keep_order
from tests.fakes import HashingEncoder, ScriptedChat

CHUNKS = [Chunk(f"p{n}", f"d{n}", "Title", "", f"Text {n}.", 0, 7, 0) for n in range(2)]


class CountingReranker:
    """Keeps the order, and counts how often it was asked."""

    name = "yes-no:small"

    def __init__(self) -> None:
        self.asked = 0

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """One model call."""
        budget.check()
        self.asked += 1
        budget.charge(calls=1, prompt_tokens=10, completion_tokens=1)
        return replace(keep_order(len(candidates)), calls=1)

    async def aclose(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({}, 1),
        ({"first_stage_weight": 0.1}, 1),  # fused after the ranking
        ({"engine": "in-process"}, 2),
        ({"engine": "server", "base_url": "http://one:1/v1"}, 2),
        ({"device": "cuda"}, 2),
        ({"passage_tokens": 16}, 2),
    ],
)
def test_a_ranking_is_asked_for_again_where_what_makes_it_has_changed(
    tmp_path: Path, change: dict[str, Any], asked: int
) -> None:
    reranker = CountingReranker()
    settings = Settings(data_dir=tmp_path)
    collection = open_collection(settings, HashingEncoder(), create=True)
    cache = ReplyCache(tmp_path / "replies.sqlite")
    budgets = []
    for rerank in ({}, change):
        changed = settings.model_copy(
            update={"rerank": settings.rerank.model_copy(update={"method": "yes-no", **rerank})}
        )
        deps = Deps(settings=changed, collection=collection, reranker=reranker, chat=ScriptedChat([]))
        budgets.append(Budget())
        ranking = asyncio.run(with_cache(deps, cache).reranker.rerank("q", CHUNKS, budget=budgets[-1]))
        assert ranking.order == (0, 1)
    cache.close()
    collection.close()
    assert reranker.asked == asked
    assert [budget.llm_calls for budget in budgets] == [1, 1], "a kept reply is billed like the call that made it"


def test_a_passage_whose_heading_has_changed_is_ranked_again(tmp_path: Path) -> None:
    reranker = CountingReranker()
    cache = ReplyCache(tmp_path / "replies.sqlite")
    asked = []
    for facts in ({}, {"author": "Nobody"}, {"publisher": "The Verge"}, {"publisher": "Engadget"}):
        chunks = [replace(chunk, metadata=facts) for chunk in CHUNKS]
        asyncio.run(CachedReranker(reranker, cache, {}).rerank("q", chunks, budget=Budget()))
        asked.append(reranker.asked)
    cache.close()
    assert asked == [1, 1, 2, 3], "an author is no part of a heading"


def test_a_ranking_that_its_budget_cut_short_is_not_kept(tmp_path: Path) -> None:
    cascade = CascadeReranker(CountingReranker(), last := CountingReranker(), passages=2)
    cache = ReplyCache(tmp_path / "replies.sqlite")
    reranker = CachedReranker(cascade, cache, {})
    found = [
        asyncio.run(reranker.rerank("q", CHUNKS, budget=Budget(max_llm_calls=most))).calls for most in (1, 1, 2, 2)
    ]
    cache.close()
    assert (found, last.asked) == ([1, 1, 2, 2], 1)


def test_a_reply_that_a_deadline_cut_short_is_not_kept(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite")
    chat = CachedChat(ScriptedChat([Completion("It is", "deadline", 10, 2), "It is so."]), cache, {})
    asked: list[Message] = [{"role": "user", "content": "Is it?"}]
    replies = [asyncio.run(chat.complete(asked, max_tokens=9, budget=Budget())).text for _ in range(3)]
    cache.close()
    assert replies == ["It is", "It is so.", "It is so."]


def test_a_folder_of_weights_that_was_changed_is_asked_again(tmp_path: Path) -> None:
    weights = tmp_path / "model"
    weights.mkdir()
    reranker = CountingReranker()
    base = Settings(data_dir=tmp_path)
    settings = base.model_copy(update={"rerank": base.rerank.model_copy(update={"model": str(weights)})})
    collection = open_collection(settings, HashingEncoder(), create=True)
    cache = ReplyCache(tmp_path / "replies.sqlite")
    deps = Deps(settings=settings, collection=collection, reranker=reranker, chat=ScriptedChat([]))
    asked = []
    for content in ("one", None, "other"):
        if content:
            (weights / "model.safetensors").write_text(content, encoding="utf-8")
        asyncio.run(with_cache(deps, cache).reranker.rerank("q", CHUNKS, budget=Budget()))
        asked.append(reranker.asked)
    cache.close()
    collection.close()
    assert asked == [1, 1, 2]
