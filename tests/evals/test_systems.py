"""Systems, sweeps, the cache of replies, pools, and a person's own questions: whole runs over a tiny data set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import RunProgress, RunRequest, render_sweep, run_sweep
from evals.systems import SYSTEMS, settings_of
from hopcite.errors import UsageError, WorkFailed
from hopcite.settings import Settings
from hopcite.types import Document
from ingest import ingest_documents, open_ledger
from retrieval import open_collection
from tests.evals.parts import CORPUS, REPLIES, parts, records, run, write_data
from tests.fakes import HashingEncoder, ScriptedChat


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    return RunRequest("hotpotqa", data=write_data(tmp_path / "data"), system="hybrid", out=tmp_path / "run")


def test_each_system_leaves_out_what_its_name_says() -> None:
    made = {name: settings_of(system, Settings()) for name, system in SYSTEMS.items()}
    told = {name: (s.search.mode, s.search.hops, s.answer.mode, s.rerank.method != "none") for name, s in made.items()}
    assert told["naive"] == ("dense", False, "never", False)
    assert told["hybrid"] == ("hybrid", False, "never", False)
    assert told["rr"] == ("hybrid", False, "never", True)
    assert told["qd"] == ("hybrid", False, "always", False)
    assert told["qd-rr"] == ("hybrid", False, "always", True)
    assert told["adaptive"] == told["default"] == ("hybrid", True, "adaptive", True)


def test_the_oracle_reads_the_gold_passages_alone(request_: RunRequest, tmp_path: Path) -> None:
    run(replace(request_, system="oracle"), tmp_path, *REPLIES.values())
    evidence = [[item["document_id"] for item in record["evidence"]] for record in records(request_)]
    assert evidence == [["p1"], ["p2"], ["p3"]], "what the corpus lacks cannot be handed out"
    assert not any("recall@5" in record["scores"] for record in records(request_)), "nothing was searched"


def test_the_closed_book_reads_nothing_and_cites_nothing(request_: RunRequest, tmp_path: Path) -> None:
    finished = run(replace(request_, system="closed-book"), tmp_path, "Answer: Ottilie Brand", "Answer: unknown", "yes")
    found = [(record["short_answer"], record["status"], record["evidence"]) for record in records(request_)]
    assert found == [("Ottilie Brand", "partial", []), ("", "unanswerable", []), ("yes", "partial", [])]
    assert finished.summary["scores"]["em"]["mean"] == pytest.approx(2 / 3)
    assert "recall@5" not in finished.summary["scores"], "nothing was searched"
    assert finished.summary["confidence"] == {}, "it has no confidence"


@pytest.mark.parametrize("system", ["oracle", "closed-book"])
def test_what_retrieves_nothing_has_no_retrieval_to_measure(request_: RunRequest, tmp_path: Path, system: str) -> None:
    with pytest.raises(UsageError, match="--retrieval-only"):
        run(replace(request_, system=system, retrieval_only=True), tmp_path)


def test_a_record_tells_what_each_step_found_and_what_was_read(request_: RunRequest, tmp_path: Path) -> None:
    run(replace(request_, limit=1), tmp_path, REPLIES["q1"])
    [record] = records(request_)
    assert set(record["found_documents"]["q"]) == {"p1", "p2", "p3"}
    [shown] = [event["detail"]["shown"] for event in record["trace"] if event["node"] == "write"]
    assert shown == [item["chunk_id"] for item in record["evidence"]]


def test_a_reply_is_paid_once_and_billed_each_time(request_: RunRequest, tmp_path: Path) -> None:
    first = run(request_, tmp_path, *REPLIES.values())
    again = run(replace(request_, out=tmp_path / "again"), tmp_path)
    assert again.summary["scores"] == first.summary["scores"]
    for name in ("llm_calls", "prompt_tokens", "completion_tokens"):
        assert again.summary["cost"][name] == first.summary["cost"][name] > 0
    run(replace(request_, out=tmp_path / "fresh", cache=False), tmp_path, *REPLIES.values())


def test_a_failure_is_not_kept(request_: RunRequest, tmp_path: Path) -> None:
    run(replace(request_, limit=1), tmp_path, WorkFailed("Garbled."))
    assert run(replace(request_, limit=1), tmp_path, REPLIES["q1"]).summary["errors"] == 0


def test_two_runs_without_the_cache_are_equal_but_for_their_times(request_: RunRequest, tmp_path: Path) -> None:
    one, other = (replace(request_, out=tmp_path / name, cache=False) for name in ("one", "other"))
    for request in (one, other):
        run(request, tmp_path, *REPLIES.values())
    assert [timeless(record) for record in records(one)] == [timeless(record) for record in records(other)]


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    usage = {name: value for name, value in record["usage"].items() if name != "ms"}
    return {**record, "usage": usage, "trace": [(event["node"], event["detail"]) for event in record["trace"]]}


def test_a_sweep_runs_each_system_in_a_folder_of_its_own(request_: RunRequest, tmp_path: Path) -> None:
    heard: list[RunProgress] = []
    chat = ScriptedChat([*REPLIES.values()])
    runs = run_sweep(
        request_,
        ["hybrid", "rr"],
        settings=Settings(data_dir=tmp_path / "hopcite"),
        progress=heard.append,
        encoder=HashingEncoder(),
        open_parts=parts(chat),
    )
    assert [found.folder for found in runs] == [tmp_path / "run" / "hybrid", tmp_path / "run" / "rr"]
    table = render_sweep(runs)
    assert "hotpotqa test: 3 questions" in table
    rows = [line.split() for line in table.splitlines()]
    assert [row[:2] for row in rows if row[:1] in (["hybrid"], ["rr"])][:2] == [["hybrid", "66.7"], ["rr", "66.7"]]
    assert max(map(len, table.splitlines())) <= 80
    assert [row for row in rows if row[:1] == ["system"]][-1][1:] == ["failed", "calls", "seconds"]
    assert {now.stage.split(":")[0] for now in heard} == {"hybrid", "rr"}


@pytest.mark.parametrize(
    ("systems", "words"), [(["hybrid", "nonsense"], "qd-rr"), ([], "--systems"), (["rr", "rr"], "twice")]
)
def test_a_sweep_is_checked_before_it_starts(
    request_: RunRequest, tmp_path: Path, systems: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        run_sweep(request_, systems, settings=Settings(data_dir=tmp_path), progress=lambda _: None)
    assert not (tmp_path / "run").exists()


def test_a_distractor_pool_needs_to_know_the_documents(request_: RunRequest, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pool open"):
        run(replace(request_, pool="distractor"), tmp_path)


def test_a_distractor_pool_is_all_that_a_question_searches(request_: RunRequest, tmp_path: Path) -> None:
    assert request_.data is not None
    question = {"id": "q", "question": "Who surveyed Harrow Railway?", "answer": "x", "pool_ids": ["p2", "p3"]}
    (request_.data / "test.jsonl").write_text(json.dumps(question) + "\n", encoding="utf-8")
    run(replace(request_, pool="distractor", retrieval_only=True), tmp_path)
    [record] = records(request_)
    assert {item["document_id"] for item in record["evidence"]} == {"p2", "p3"}


def own_questions(tmp_path: Path, *lines: dict[str, Any]) -> RunRequest:
    settings = Settings(data_dir=tmp_path / "hopcite")
    collection = open_collection(settings, HashingEncoder(), create=True)
    documents = [Document(item["id"], item["title"], item["text"], f"{item['id']}.md") for item in CORPUS]
    with open_ledger(settings) as ledger:
        ingest_documents(documents, collection=collection, ledger=ledger, settings=settings, progress=lambda _: None)
    collection.close()
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return RunRequest("custom", data=path, system="hybrid", out=tmp_path / "run")


def test_own_questions_are_asked_of_the_collection_that_is_there(tmp_path: Path) -> None:
    request = own_questions(
        tmp_path,
        {"question": "Where was Ottilie Brand born?", "answer": "Kestmark", "gold_documents": ["p2.md"]},
        {"question": "Who surveyed it?", "gold_quotes": ["surveyed by  Ottilie Brand"]},
        {"question": "How high is Tarn?", "answerable": False},
    )
    finished = run(
        request, tmp_path, REPLIES["q2"], REPLIES["q1"], "Answer: unknown\nThe passages do not say how high Tarn is."
    )
    scores = [record["scores"] for record in records(request)]
    assert (scores[0]["em"], scores[0]["recall@5"], scores[0]["citation_recall"]) == (1, 1, 1)
    assert "em" not in scores[1], "no answer is known"
    assert (scores[1]["recall@5"], scores[1]["citation_recall"]) == (1, 1)
    assert scores[2] == {"abstained": 1, "quotes_verified": None, "claims_supported": None}
    assert finished.summary["questions"] == 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"question": "Where?", "gold_documents": ["p9"]}, "line 1: .*'p9' is not in the collection"),
        ({"question": "Where?", "gold_quotes": ["Nobody said this."]}, "line 1: .*is in no document"),
        ({"question": ""}, "line 1: question"),
        ({"question": "Where?", "gold_docs": []}, "line 1: gold_docs"),
    ],
)
def test_a_wrong_question_of_ones_own_is_named(tmp_path: Path, line: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        run(own_questions(tmp_path, line), tmp_path)


def test_a_question_of_ones_own_that_comes_twice_is_named(tmp_path: Path) -> None:
    line = {"question": "Where was Ottilie Brand born?"}
    with pytest.raises(UsageError, match=r"own\.jsonl, line 2: .* comes twice; give each an id"):
        run(own_questions(tmp_path, line, line), tmp_path)


def test_own_questions_need_a_collection(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "Where?"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="hopcite ingest"):
        run(RunRequest("custom", data=path), tmp_path)
