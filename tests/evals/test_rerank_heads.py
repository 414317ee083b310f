"""Picking heads on a data set: which questions count, and what the file says."""

from __future__ import annotations

import json

import pytest

from evals.rerank_data import RerankData, RerankQuery
from evals.rerank_heads import picked_heads
from hopcite.errors import UsageError
from retrieval.rerank.recipes import AttentionRecipe
from tests.oracle import passage
from tests.retrieval.rerank.test_attention import tiny


def data(*relevant: set[int]) -> RerankData:
    chunks = tuple(passage(text, number) for number, text in enumerate(["one two", "three", "four five"]))
    queries = (
        RerankQuery(str(n), "who nine", chunks, ("0", "1", "2"), {str(place): 1 for place in places})
        for n, places in enumerate(relevant)
    )
    return RerankData("made", tuple(queries), relevant_from=1)


def test_questions_that_say_nothing_are_left_out() -> None:
    scorer = tiny(AttentionRecipe())
    given = data({1}, set(), {0, 1, 2}, {0, 2})
    shown: list[tuple[int, int | None]] = []
    text = picked_heads(
        given, scorer, model="tiny", passages=3, top=5, progress=lambda _, done, total: shown.append((done, total))
    )
    found = json.loads(text)
    assert (found["model"], found["data"], found["examples"], len(found["heads"])) == ("tiny", "made", 2, 5)
    scores = [one["score"] for one in found["heads"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)
    assert shown[-1] == (2, 2)


def test_a_question_whose_relevant_passage_is_not_in_the_first_prompt_is_left_out() -> None:
    # Each prompt of 28 tokens holds one or two of the three passages; the first passage stands in the first prompt.
    scorer = tiny(AttentionRecipe(), prompt_tokens=28)
    prompts = scorer.prompts("who nine", [f"{n}\n{text}" for n, text in enumerate(["one two", "three", "four five"])])
    assert 0 in prompts[0].candidates
    assert 1 not in prompts[0].candidates
    text = picked_heads(data({0}, {1}), scorer, model="tiny", passages=3, top=5, progress=lambda *_: None)
    assert json.loads(text)["examples"] == 1
    with pytest.raises(UsageError, match=r"lower rerank\.passages"):
        picked_heads(data({1}), scorer, model="tiny", passages=3, top=5, progress=lambda *_: None)


def test_without_a_relevant_passage_there_is_nothing_to_pick_by() -> None:
    with pytest.raises(UsageError, match="none is known as relevant"):
        picked_heads(data(set()), tiny(AttentionRecipe()), model="tiny", passages=3, top=5, progress=lambda *_: None)
