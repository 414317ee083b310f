"""Merging: every passage once, every step covered, ranks and scores by the formula."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.merge import distinct, interleaved, merge, reordered, worth_reading
from hopcite.types import Chunk, Hit
from retrieval.rerank.port import Ranking


def ranking(*names: str) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            chunk=Chunk(id=name, document_id=name, title=name, source=name, text=name, start=0, end=1, position=0),
            rank=rank,
            retrieval_score=1 / rank,
        )
        for rank, name in enumerate(names, start=1)
    )


def test_copies_of_a_passage_are_read_once_but_another_number_is_another_passage() -> None:
    story = "The Pellan Bridge over the Ossel at Thrane Cross opened in the summer of 1893 and is 214 metres long."
    copy, other = story.replace("opened", "was opened"), story.replace("214", "211")
    hits = [
        replace(hit, chunk=replace(hit.chunk, text=text))
        for hit, text in zip(ranking(*"abc"), (story, copy, other), strict=True)
    ]
    assert [hit.chunk.id for hit in distinct(hits)] == ["a", "c"]


def test_fused_scores_add_up_over_steps() -> None:
    merged = merge({"q": ranking("a", "b"), "s1": ranking("b", "c")}, rrf_k=60)
    assert [hit.chunk.id for hit in merged] == ["b", "a", "c"]
    assert [hit.retrieval_score for hit in merged] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert [hit.steps for hit in merged] == [("q", "s1"), ("q",), ("s1",)]
    assert [hit.rank for hit in merged] == [1, 2, 3]


def test_the_best_of_every_step_come_before_depth() -> None:
    """c and d are found twice at rank 3 and 4, so they score more than y; y is the second of its step all the same."""
    merged = merge(
        {"q": ranking("a", "b", "c", "d"), "s1": ranking("a", "b", "c", "d"), "s2": ranking("x", "y", "z")}, rrf_k=60
    )
    assert [hit.chunk.id for hit in merged] == ["a", "b", "x", "y", "c", "d", "z"]


def test_reordering_keeps_what_was_not_ranked_below() -> None:
    merged = reordered(ranking("a", "b", "c"), Ranking(scores=(0.1, 0.9), order=(1, 0)))
    assert [(hit.chunk.id, hit.rank, hit.rerank_score) for hit in merged] == [
        ("b", 1, 0.9),
        ("a", 2, 0.1),
        ("c", 3, None),
    ]


def test_interleaving_takes_the_first_of_each_step_then_the_second() -> None:
    lined_up = interleaved({"s2": ranking("b", "a"), "s1": ranking("c"), "q": ranking("a", "b", "d")})
    assert [(found.chunk.id, found.rank, found.steps) for found in lined_up] == [
        ("b", 1, ("s2", "q")),
        ("c", 2, ("s1",)),
        ("a", 3, ("s2", "q")),
        ("d", 4, ("q",)),
    ]
    assert interleaved({}) == ()


@pytest.mark.parametrize(
    ("scores", "min_share", "read"),
    [
        ((10.0, 1.0, 0.9, 3.0, 2.9), 0.3, "abcd"),  # the third stays, whatever its score
        ((10.0, 9.0, 3.0, 2.9, 2.9), 0.0, "abcde"),
        ((10.0, 9.0, 8.0, 2.9, None), 0.3, "abce"),  # what was not reranked is not judged
        ((None, None, None), 0.3, "abc"),
        ((-1.0, -2.0, -8.0, -9.0), 0.3, "abcd"),  # log-probabilities have no shares
        ((1.0,), 0.3, "a"),
        ((), 0.3, ""),
    ],
)
def test_what_the_reranker_thinks_little_of_is_not_read(
    scores: tuple[float | None, ...], min_share: float, read: str
) -> None:
    hits = [replace(hit, rerank_score=score) for hit, score in zip(ranking(*"abcde"), scores, strict=False)]
    assert "".join(chunk.id for chunk in worth_reading(hits, min_share=min_share)) == read
