"""Rerankers side by side: the measures by hand, lists from files and from a first stage, rows and refusals."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals import BenchRequest, render_rows, run_rerank_bench, write_rows
from evals.metrics.ranking import ranking_scores
from evals.rerank_bench import Row, method_settings
from hopcite.chat import Chat
from hopcite.errors import ModelMisbehaved, SettingsError, Unreachable, UsageError
from hopcite.settings import Settings
from tests.fakes import HashingEncoder, ScriptedChat
from tests.oracle import OracleChat


def test_measures_by_hand() -> None:
    # Grades 3, 2 and 1; the one with 2 is second, that with 1 sixth, that with 3 was not found.
    found = ranking_scores(["x", "b", "y", "z", "v", "c"], {"a": 3, "b": 2, "c": 1, "x": 0}, relevant_from=2)
    gain = 2 / math.log2(3) + 1 / math.log2(7)
    best = 3 + 2 / math.log2(3) + 1 / math.log2(4)
    assert found == pytest.approx({"ndcg@10": gain / best, "ap@10": 1 / 2 / 2, "recall@5": 1 / 2, "mrr": 1 / 2})


def test_equal_places_are_no_matter_of_names() -> None:
    for names in (["a", "b"], ["b", "a"]):
        assert ranking_scores(names, {names[0]: 1}, relevant_from=1)["mrr"] == 1


def test_nothing_found_is_nothing_and_nothing_to_find_is_no_measure() -> None:
    assert ranking_scores([], {"a": 1}, relevant_from=1) == {"ndcg@10": 0, "ap@10": 0, "recall@5": 0, "mrr": 0}
    assert ranking_scores(["a"], {"a": 1}, relevant_from=2) == {}


def lists(folder: Path, worths: Sequence[Sequence[int]], *, zipped: bool = False, **extra: Any) -> Path:
    """Queries whose candidates say what they are worth; what is worth 100 and more is relevant."""
    lines = [
        {
            "id": f"q{number}",
            "query": "Who?",
            "candidates": [
                {"id": f"{number}-{place}", "text": f"worth {worth}", "title": "T", "relevance": worth // 100}
                for place, worth in enumerate(of_query)
            ],
            **extra,
        }
        for number, of_query in enumerate(worths)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    name = "candidates.jsonl.gz" if zipped else "candidates.jsonl"
    (folder / name).write_bytes(gzip.compress(text) if zipped else text)
    return folder


def bench(data: Path, *methods: str, chat: Chat | None = None, **request: Any) -> list[Row]:
    heard: list[tuple[str, int, int | None]] = []
    rows = run_rerank_bench(
        BenchRequest(data, methods, **request),
        settings=Settings(data_dir=data.parent / "hopcite"),
        progress=lambda *now: heard.append(now),
        encoder=HashingEncoder(),
        chat=chat or OracleChat(),
    )
    asked = rows[-1]["queries"] + rows[-1]["unscored"]
    assert heard[-1][1:] == (asked, asked)
    return rows


def test_each_method_gets_a_row_with_quality_and_cost(tmp_path: Path) -> None:
    data = lists(tmp_path, [[10, 20, 150], [120, 30, 40]], zipped=True)
    none, letters, pairs = bench(data, "none", "letters", "pairwise-all")
    assert none["mrr"] == pytest.approx((1 / 3 + 1) / 2)
    assert none["intervals"]["mrr"] == {"mean": pytest.approx(2 / 3), "low": pytest.approx(1 / 3), "high": 1.0}
    assert (none["calls"], none["engine"], none["model"]) == (0, "", "")
    assert (letters["mrr"], letters["ndcg@10"], letters["calls"], letters["prompt_tokens"]) == (1, 1, 1, 10)
    assert letters["gains"]["mrr"]["mean"] == pytest.approx(1 / 3)
    assert (letters["model"], letters["engine"]) == ("qwen2.5-coder-1.5b-instruct-q4_k_m", "llama.cpp")
    assert (pairs["calls"], pairs["completion_tokens"], pairs["validity"], pairs["queries"]) == (6, 6, 1, 2)
    assert all(row["seconds"] >= 0 for row in (none, letters, pairs))
    names = ["method", "model", "engine", "ndcg@10", "ap@10", "recall@5", "mrr", "calls", "prompt_tokens",
             "completion_tokens", "seconds", "validity"]  # fmt: skip
    assert list(pairs)[:12] == names


def test_judged_documents_that_were_not_found_count(tmp_path: Path) -> None:
    [row] = bench(lists(tmp_path, [[100]], qrels={"0-0": 1, "elsewhere": 1}), "none")
    assert row["recall@5"] == 0.5


def test_queries_without_a_relevant_passage_are_not_counted_as_scored(tmp_path: Path) -> None:
    rows = bench(lists(tmp_path, [[10, 150], [10, 20], [30, 40]]), "letters")
    assert (rows[0]["queries"], rows[0]["unscored"], rows[0]["mrr"]) == (1, 2, 1)
    assert render_rows(rows).startswith(f"{tmp_path.name}: 1 queries (and 2 without a relevant passage, ")


def test_with_four_grades_the_lowest_is_not_relevant(tmp_path: Path) -> None:
    [row] = bench(lists(tmp_path, [[100, 300, 200]]), "none")
    assert row["mrr"] == 0.5


def test_only_the_first_passages_are_reranked(tmp_path: Path) -> None:
    data = lists(tmp_path, [[10, 20, 30, 140]])
    assert bench(data, "yes-no", passages=3)[0]["mrr"] == 0.25
    assert bench(data, "yes-no", passages=4)[0]["mrr"] == 1


def test_a_limit_takes_the_first_queries(tmp_path: Path) -> None:
    assert bench(lists(tmp_path, [[100, 0], [0, 100], [0, 100]]), "none", limit=1)[0]["mrr"] == 1


def test_what_is_put_around_a_method_is_part_of_its_name(tmp_path: Path) -> None:
    data = lists(tmp_path, [[10, 20, 150]])
    rows = bench(data, "letters+shuffled", "yes-no+then-pairwise-all", "letters+fused", "letters+shuffled+fused")
    # Of three passages, shuffling knows four orders: as they came, and a shuffle begun at each of them.
    assert [row["calls"] for row in rows] == [4, 3 + 6, 1, 4]
    assert [row["method"] for row in rows][1] == "yes-no+then-pairwise-all"
    own = method_settings("letters+fused", Settings()).rerank
    assert (own.method, own.shuffles, own.then, own.first_stage_weight) == ("letters", 1, None, 0.5)


def test_a_method_and_its_fusion_are_run_once(tmp_path: Path) -> None:
    data = lists(tmp_path, [[150, 160, 10], [10, 20, 150]])
    chat = OracleChat()
    letters, both = bench(data, "letters", "letters+fused", chat=chat)
    assert chat.calls == 1 + 2  # the first is asked before the clock starts
    [alone] = bench(data, "letters+fused")
    costs = ("calls", "prompt_tokens", "validity", "queries")
    assert [both[name] for name in costs] == [letters[name] for name in costs]
    assert both["seconds"] == letters["seconds"]
    assert (both["ndcg@10"], both["gains"]) == (alone["ndcg@10"], alone["gains"])


def test_replies_that_rank_nothing_lower_the_validity(tmp_path: Path) -> None:
    data = lists(tmp_path, [[10, 150], [10, 150]])
    chat = ScriptedChat([{}, {}, {"B": -0.1, "A": -2.0}])  # the first is asked before the clock starts
    [row] = bench(data, "letters", chat=chat)
    assert (row["validity"], row["mrr"], row["errors"]) == (0.5, (0.5 + 1) / 2, [])


def test_a_query_that_fails_keeps_its_order_and_is_told(tmp_path: Path) -> None:
    data = lists(tmp_path, [[10, 150]])
    chat = ScriptedChat([{}, UsageError("The prompt does not fit.")])
    rows = bench(data, "letters", chat=chat)
    assert (rows[0]["validity"], rows[0]["mrr"]) == (0, 0.5)
    assert rows[0]["errors"] == ["q0: The prompt does not fit."]
    assert "letters: 1 queries failed" in render_rows(rows)


@pytest.mark.parametrize("error", [Unreachable("It is away."), SettingsError("No such model.")])
def test_what_would_fail_every_query_ends_the_bench(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        bench(lists(tmp_path, [[10, 150]]), "letters", chat=ScriptedChat([error]))


def test_a_model_that_misbehaves_once_is_no_failure(tmp_path: Path) -> None:
    chat = ScriptedChat([{}, ModelMisbehaved("It broke off.")])
    assert bench(lists(tmp_path, [[10, 150]]), "letters", chat=chat)[0]["validity"] == 0


def test_rows_are_there_after_each_method(tmp_path: Path) -> None:
    heard: list[int] = []
    data = lists(tmp_path, [[10, 150]])
    run_rerank_bench(
        BenchRequest(data, ("none", "letters")), settings=Settings(), progress=lambda *_: None,
        on_rows=lambda rows: heard.append(len(rows)), chat=OracleChat(),
    )  # fmt: skip
    assert heard == [1, 2]


def test_rows_as_a_table_and_as_json(tmp_path: Path) -> None:
    rows = bench(lists(tmp_path, [[10, 150]]), "letters")
    write_rows(tmp_path / "rows.json", rows)
    assert json.loads((tmp_path / "rows.json").read_text(encoding="utf-8")) == rows
    table = render_rows(rows).splitlines()
    assert table[0].startswith(f"{tmp_path.name}: 1 queries, the first 20 passages")
    assert "| letters | qwen2.5-coder-1.5b-instruct-q4_k_m | llama.cpp | 100.0 (100.0 to 100.0) |" in table[-1]
    gain = 100 - 100 / math.log2(3)  # the one relevant passage came second
    assert f"| +{gain:.1f} (+{gain:.1f} to +{gain:.1f}) | 1.0 |" in table[-1]
    assert table[2].count("|") == table[3].count("|") == table[4].count("|")


@pytest.fixture
def hotpotqa(tmp_path: Path) -> Path:
    folder = tmp_path / "hotpotqa"
    folder.mkdir()
    corpus = [
        {"id": "p1", "title": "Bread", "text": "Rye bread keeps. worth 10"},
        {"id": "p2", "title": "Harrow Railway", "text": "Harrow Railway was surveyed by Ottilie Brand. worth 150"},
        {"id": "p3", "title": "Ottilie Brand", "text": "Ottilie Brand was born in Kestmark. worth 20"},
    ]
    questions = [
        {"id": "q1", "question": "Who surveyed Harrow Railway?", "answer": "x", "gold_titles": ["Harrow Railway"]},
        {"id": "q2", "question": "Where was Ottilie born?", "answer": "x", "gold_titles": ["Harrow Railway", "Absent"]},
        {"id": "q3", "question": "Nothing to find?", "answer": "x", "gold_titles": []},
    ]
    for name, lines in (("corpus", corpus), ("dev", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def test_a_data_set_is_searched_and_its_gold_is_what_counts(hotpotqa: Path) -> None:
    rows = bench(hotpotqa, "yes-no", passages=3)
    # Both questions have their gold first; half of the second question's is not in the corpus.
    assert (rows[0]["data"], rows[0]["queries"], rows[0]["mrr"]) == ("hotpotqa dev", 2, 1)
    assert rows[0]["recall@5"] == pytest.approx((1 + 0.5) / 2)
    again = bench(hotpotqa, "yes-no", passages=3)  # the corpus is there already
    assert again[0]["ndcg@10"] == rows[0]["ndcg@10"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "q", "query": "", "candidates": []}', "line 1: query"),
        ('{"id": "q", "query": "x"}', "line 1: candidates"),
        ('{"id": "q", "query": "x", "candidates": [{"id": "a", "text": "t"}, {"id": "a", "text": "u"}]}', "twice"),
        ('{"id": "q", "query": "x", "candidates": [{"id": "a", "text": "t"}]}', "no relevant passage"),
        (
            '{"id": "q", "query": "x", "candidates": [{"id": "a", "text": "t", "relevance": 99999999999999999999}]}',
            "line 1: candidates.0.relevance: Input should be less than or equal to",
        ),
        (
            '{"id": "q", "query": "x", "candidates": [{"id": "a", "text": "t"}], "qrels": {"a": 2147483647}}',
            "line 1: qrels.a: Input should be less than or equal to",
        ),
        (
            '{"id": "q", "query": "x", "candidates": [{"id": "a", "text": "t", "relevance": -99999999999999999999}]}',
            "line 1: candidates.0.relevance: Input should be greater than or equal to",
        ),
        ("nonsense", "line 1"),
        ("", "no relevant passage"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "candidates.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        bench(tmp_path, "none")


@pytest.mark.parametrize(
    ("methods", "words"),
    [(["magic"], "choose from attention"), (["none+magic"], "then-METHOD"), (["none+then-magic"], "magic")],
)
def test_an_unknown_method_is_refused_before_any_work(tmp_path: Path, methods: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        bench(tmp_path / "absent", *methods)
