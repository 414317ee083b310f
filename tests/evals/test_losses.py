"""Where gold passages were lost, worked out by hand. The writer reads 2 passages, the reranker 4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.losses import FATES, Depths, fates, losses_of
from evals.reading import read_runs
from tests.evals.folders import record, write_run

DEPTHS = Depths(writer=2, reranker=4)
EVIDENCE = ["a1", "b1", "c1", "d1", "e1", "f1"]


def trace(*, shown: list[str], reranked: int = 4) -> list[dict[str, Any]]:
    return [
        {"node": "rerank", "ms": 1.0, "detail": {"method": "attention:model", "reranked": reranked}},
        {"node": "write", "ms": 1.0, "detail": {"shown": shown}},
    ]


def fate(gold: list[str], **fields: Any) -> str:
    fields = {"evidence": EVIDENCE, "trace": trace(shown=["a1"]), **fields}
    return fates(record("q1", gold=[gold], **fields), depths=DEPTHS, written=True)[0]


@pytest.mark.parametrize(
    ("gold", "told"),
    [
        (["a"], "ignored by the writer"),
        (["b"], "cut from the prompt"),  # second of two, and not shown
        (["c"], "reranked out"),
        (["d"], "reranked out"),
        (["e"], "lost in merge"),  # the reranker had four candidates
        (["z"], "not retrieved"),
        ([], "not indexed"),
        (["z", "d"], "reranked out"),  # any of its documents will do
    ],
)
def test_a_passage_is_lost_at_the_first_stage_that_it_does_not_pass(gold: list[str], told: str) -> None:
    assert fate(gold) == told


def test_where_no_model_reranked_the_search_ranked_it_too_low() -> None:
    rerank, write = trace(shown=["a1", "b1"])
    control = {**rerank, "detail": {"method": "none", "reranked": 4}}
    assert fate(["c"], trace=[write]) == fate(["c"], trace=[control, write]) == "ranked too low"
    assert fate(["e"], trace=[control, write]) == "lost in merge"
    assert fate(["c"], trace=[write, rerank, write]) == "reranked out"


def test_a_cited_passage_is_found() -> None:
    assert fate(["a"], citations=[{"document_id": "a"}]) == "found"
    assert fate(["d"], citations=[{"document_id": "a"}]) == "reranked out"


def test_a_document_has_the_rank_of_its_best_chunk() -> None:
    assert fate(["c"], evidence=["a1", "b1", "c1", "d1", "e1", "c2"]) == "reranked out"


def test_the_last_writer_and_reranker_count() -> None:
    first_try, second_try = trace(shown=["a1", "b1"], reranked=2), trace(shown=["a1"], reranked=6)
    assert fate(["b"], trace=[*first_try, *second_try]) == "cut from the prompt"
    assert fate(["e"], trace=[*first_try, *second_try]) == "reranked out"
    left_out = {"node": "write", "ms": 0.0, "detail": {"skipped": "the budget is spent"}}
    assert fate(["b"], trace=[*first_try, left_out]) == "ignored by the writer"


def test_what_steps_found_beyond_the_kept_evidence_is_told_by_their_documents() -> None:
    steps = [{"id": "q", "chunk_ids": ["a1"]}, {"id": "s1", "chunk_ids": ["x1"]}]
    assert fate(["x"], steps=steps, found_documents={"q": ["a"], "s1": ["x"]}) == "lost in merge"
    assert fate(["z"], steps=steps, found_documents={"q": ["a"], "s1": ["x"]}) == "not retrieved"


def test_without_these_documents_it_is_not_known() -> None:
    steps = [{"id": "q", "chunk_ids": [*EVIDENCE, "x1"]}]
    assert fate(["x"], steps=steps) == "not known"
    assert fate(["c"], steps=steps) == "reranked out", "what is in the evidence is known all the same"


def test_a_record_without_a_trace_is_read_by_the_settings() -> None:
    old = record("q1", evidence=EVIDENCE, gold=[["b"], ["d"], ["e"], ["z"]])
    del old["evidence"][4]["rerank_score"], old["evidence"][5]["rerank_score"]  # four were reranked
    told = fates(old, depths=DEPTHS, written=True)
    assert list(told.values()) == ["ignored by the writer", "reranked out", "lost in merge", "not retrieved"]


def test_without_a_writer_a_passage_that_one_would_read_is_found() -> None:
    asked = record("q1", evidence=EVIDENCE, gold=[["a"], ["b"], ["c"], []])
    told = fates(asked, depths=DEPTHS, written=False)
    assert list(told.values()) == ["found", "found", "reranked out", "not indexed"]


def test_a_question_that_failed_says_nothing_of_the_stages(tmp_path: Path) -> None:
    failed = record("q1", gold=[["a"], []], error="WorkFailed: x")
    good = record("q2", gold=[["a"]], evidence=EVIDENCE, trace=trace(shown=["a1"]))
    [run] = read_runs([write_run(tmp_path / "run", [failed, good])])
    counts = losses_of(run)
    assert tuple(counts) == FATES
    assert {name: n for name, n in counts.items() if n} == {
        "question failed": 1, "not indexed": 1, "ignored by the writer": 1,
    }  # fmt: skip
