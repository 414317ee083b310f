"""Late interaction: MaxSim by hand, and with the default encoder."""

from __future__ import annotations

import asyncio

import pytest
import torch

from hopcite.budget import Budget
from hopcite.settings import RerankSettings, Settings
from retrieval import open_reranker
from retrieval.rerank.late_interaction import max_sim
from retrieval.rerank.port import Ranking
from tests.fakes import ScriptedChat
from tests.oracle import passage


def test_each_token_of_the_question_counts_its_best_match() -> None:
    query = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    passage = torch.tensor([[0.6, 0.8], [0.8, -0.6], [-1.0, 0.0]])
    assert max_sim(query, passage) == pytest.approx((0.8 + 0.8) / 2)
    assert max_sim(query[:1], passage[2:]) == -1


def test_an_empty_side_matches_nothing() -> None:
    some, none = torch.ones(2, 3), torch.ones(0, 3)
    assert (max_sim(some, none), max_sim(none, some)) == (0, 0)


def rank(question: str, *texts: str) -> Ranking:
    async def ranked() -> Ranking:
        reranker = open_reranker(Settings(rerank=RerankSettings(method="late-interaction")), ScriptedChat([]))
        try:
            candidates = [passage(text, number) for number, text in enumerate(texts)]
            return await reranker.rerank(question, candidates, budget=Budget())
        finally:
            await reranker.aclose()

    return asyncio.run(ranked())


@pytest.mark.models
def test_the_default_encoder_finds_the_passage_that_speaks_of_it() -> None:
    question = "Who surveyed the railway over the Skarn pass?"
    texts = ["Rye bread is baked slowly.", "", "The railway over the Skarn pass was surveyed in 1871.", "sea " * 400]
    ranking = rank(question, *texts)
    assert ranking.valid
    assert ranking.order[0] == 2
    assert all(-1 <= score <= 1 for score in ranking.scores)
    assert (ranking.calls, ranking.completion_tokens) == (1, 0)
    again = rank(question, *reversed(texts))
    # The titles differ by a number, and bf16 sums depend on what shares a batch.
    assert [again.scores[3 - n] for n in range(4)] == pytest.approx(ranking.scores, abs=0.05)


@pytest.mark.models
def test_a_text_matches_itself_whole() -> None:
    from retrieval.encoder import load_model
    from retrieval.rerank.late_interaction import LateInteractionScorer

    scorer = LateInteractionScorer(lambda: load_model(Settings()))
    [same, other] = scorer.score([("an old ferry", "an old ferry"), ("an old ferry", "a new bridge")])
    assert same == pytest.approx(1, abs=0.02)  # bf16
    assert other < same
    once, twice = (scorer.count_tokens([("one", "two three")] * n) for n in (1, 2))
    assert (once, twice) == (3 + 4, 3 + 8)  # each text with its two marks; the question once
