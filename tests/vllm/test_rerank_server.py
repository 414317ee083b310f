"""`/rerank` of a real vLLM, with a language model made to score: against the same weights in this process."""

from __future__ import annotations

import asyncio
import os

import httpx
import pytest

from hopcite.budget import Budget
from hopcite.errors import SettingsError
from hopcite.settings import RerankSettings, Settings
from retrieval import open_reranker
from retrieval.rerank.port import Ranking
from tests.fakes import ScriptedChat
from tests.oracle import passage
from tests.vllm.serve import ENVIRONMENT
from tests.vllm.test_vllm import QUESTION, TEXTS

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        not os.environ.get("HOPCITE_TEST_VLLM_RERANK_URL"), reason="HOPCITE_TEST_VLLM_RERANK_URL names no vLLM server"
    ),
]


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    url = os.environ["HOPCITE_TEST_VLLM_RERANK_URL"].rstrip("/")
    return {"base_url": url, "model": httpx.get(f"{url}/models", trust_env=False).json()["data"][0]["id"]}


def rank(rerank: RerankSettings) -> Ranking:
    async def ranked() -> Ranking:
        reranker = open_reranker(Settings(rerank=rerank), ScriptedChat([]))
        try:
            candidates = [passage(text, number) for number, text in enumerate(TEXTS)]
            return await reranker.rerank(QUESTION, candidates, budget=Budget())
        finally:
            await reranker.aclose()

    return asyncio.run(ranked())


def test_the_server_and_this_process_agree(server: dict[str, str]) -> None:
    there = rank(RerankSettings.model_validate({"method": "qwen3-reranker", **server}))
    here = rank(RerankSettings(method="qwen3-reranker", model=str(ENVIRONMENT / "model"), device="cpu"))
    assert there.valid
    assert there.scores == pytest.approx(here.scores, abs=0.03)  # bf16, whose sums depend on their order
    assert max(range(len(TEXTS)), key=lambda n: there.scores[n]) == max(range(len(TEXTS)), key=lambda n: here.scores[n])
    # The server computes the shared beginning for each passage, or takes it from its cache; it counts it each time.
    assert there.prompt_tokens > here.prompt_tokens > 0


def test_a_bare_pair_is_scored_too(server: dict[str, str]) -> None:
    ranking = rank(RerankSettings.model_validate({"method": "cross-encoder", **server}))
    assert ranking.valid
    assert sorted(ranking.order) == list(range(len(TEXTS)))
    assert all(0 <= score <= 1 for score in ranking.scores)


def test_a_model_that_is_not_served_is_named(server: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"no/such.*rerank\.model"):
        rank(RerankSettings(method="cross-encoder", model="no/such", base_url=server["base_url"]))
