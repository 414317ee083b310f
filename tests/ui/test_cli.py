"""The command line as a user meets it: one process each, exit status, stdout and stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from hopcite.types import Document
from ingest import Ledger

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    status: int
    out: str
    err: str


def hopcite(*arguments: str, folder: Path, **environment: str) -> Done:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
    done = subprocess.run(
        [sys.executable, "-c", "from ui.cli import main; main()", *arguments],
        cwd=folder,
        env={**bare, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def refused(done: Done, status: int, *words: str) -> None:
    assert done.status == status, done.err
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1, done.err
    assert all(word in done.err for word in words), done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ingest", "absent"], ["absent"]),
        (["ingest", "."], ["Nothing to ingest"]),
        (["ingest"], ["PATH"]),
        (["nonsense"], ["nonsense", "--help"]),
        (["search", "bridge", "--limit", "99999999999999999999"], ["--limit", "1000"]),
        (["ask"], ["QUESTION"]),
        (["ask", "Who?", "--mode", "sometimes"], ["sometimes"]),
        (["ask", "Who?", "--rerank", "magic"], ["magic", "setwise", "tournament", "attention"]),
        (["ask", "Who?", "--rerank", "cross-encoder"], ["rerank.model"]),
        (["ask", "Who?", "--deadline", "-1"], ["deadline"]),
        (["models", "pull", "qwen2.5-coder-1.5b"], ["qwen2.5-coder-1.5b-instruct"]),
        (["docs", "show", "x"], ["docs list"]),
        (["threads", "show", "absent"], ["absent", "threads list"]),
        (["threads", "delete", "absent"], ["absent"]),
        (["threads", "show", "a/b"], ["a/b", "no thread name"]),
        (["threads", "delete"], ["NAME"]),
        (["ask", "Who?", "--thread", "a b"], ["a b", "no thread name"]),
        (["eval", "run", "hotpotqa"], ["--data"]),
        (["eval", "run", "squad", "--data", "."], ["hotpotqa"]),
        (["eval", "compare", "a", "b"], ["no folder a"]),
        (["eval", "compare", "a"], ["RUN_B"]),
        (["eval", "report", ".", "--html", "r.html"], ["no run folder"]),
        (["eval", "report", "--html", "r.html"], ["RUN"]),
        (["eval", "report", "."], ["--html"]),
        (["eval", "calibrate", "a"], ["no folder a"]),
        (["eval", "calibrate", "."], ["no run folder"]),
        (["eval", "calibrate"], ["RUN"]),
        (["rerank-bench"], ["--data"]),
        (["rerank-bench", "--data", "absent"], ["absent"]),
        (["rerank-bench", "--data", "."], ["candidates.jsonl", "hotpotqa"]),
        (["rerank-bench", "--data", ".", "--methods", "none,magic"], ["magic", "setwise"]),
        (["rerank-bench", "--data", ".", "--methods", "letters+magic"], ["then-METHOD"]),
        (["rerank-bench", "--data", ".", "--methods", "cross-encoder"], ["rerank.model"]),
        (["rerank-bench", "--data", ".", "--limit", "0"], ["--limit"]),
        (["rerank-bench", "--data", ".", "--out", "no/such/file.json"], ["--out"]),
        (["mcp", "--collection", "a/b"], ["collection"]),
        (["serve", "--host", "ä..b"], ["ä..b", "--host"]),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    refused(hopcite(*arguments, folder=tmp_path), 2, *words)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    refused(hopcite("config", "show", folder=tmp_path, HOPCITE_LLM__BASE_URI="x"), 2, "llm.base_uri")


def test_a_server_that_is_away_is_status_3(tmp_path: Path) -> None:
    done = hopcite("search", "x", folder=tmp_path, HOPCITE_QDRANT__URL="http://127.0.0.1:9")
    refused(done, 3, "127.0.0.1:9")


def test_the_origin_of_every_setting_is_shown(tmp_path: Path) -> None:
    (tmp_path / "hopcite.toml").write_text("[answer]\nevidence = 7\n", encoding="utf-8")
    done = hopcite("config", "show", "--json", folder=tmp_path, HOPCITE_LLM__API_KEY="secret")
    shown = json.loads(done.out)
    assert shown["answer.evidence"] == {"value": 7, "origin": "hopcite.toml"}
    assert shown["llm.api_key"]["origin"] == "environment HOPCITE_LLM__API_KEY"
    assert shown["search.rrf_k"]["origin"] == "default"
    assert "secret" not in done.out


def test_what_is_printed_is_utf_8_whatever_the_system_writes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "data" / "ledger.sqlite") as ledger:
        ledger.begin("documents", [(Document("ö/湖.md", "湖 “Tarn”", "A lake.", "ö/湖.md"), "digest")])
    done = hopcite("docs", "list", "--json", folder=tmp_path, HOPCITE_DATA_DIR="data", PYTHONIOENCODING="ascii")
    assert [entry["title"] for entry in json.loads(done.out)] == ["湖 “Tarn”"]


def test_a_name_that_is_not_utf_8_is_written_all_the_same(tmp_path: Path) -> None:
    refused(hopcite("ingest", "caf\udce9.txt", folder=tmp_path), 2, "caf\\udce9.txt")
    done = hopcite("config", "show", "--json", folder=tmp_path, HOPCITE_DATA_DIR="caf\udce9")
    assert json.loads(done.out)["data_dir"]["value"] == "caf\udce9"


def test_no_threads_is_an_empty_list(tmp_path: Path) -> None:
    assert json.loads(hopcite("threads", "list", "--json", folder=tmp_path).out) == []
    done = hopcite("threads", "list", folder=tmp_path)
    assert (done.status, done.out) == (0, "")
    assert "--thread" in done.err


@pytest.mark.models
def test_ingest_docs_and_search_from_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tarn.md").write_text("# Tarn House\n\nTarn House opened in 1911.\n", encoding="utf-8")
    (tmp_path / "in" / "bad.txt").write_bytes(b"\xff\xfe\xff")
    done = hopcite("ingest", "in", "--json", folder=tmp_path)
    assert done.status == 1, "a file failed"
    assert "bad.txt" in done.err
    outcomes = {outcome["source"]: outcome["status"] for outcome in json.loads(done.out)["outcomes"]}
    assert outcomes == {"in/bad.txt": "failed", "in/tarn.md": "added"}
    [entry] = json.loads(hopcite("docs", "list", "--json", folder=tmp_path).out)
    assert (entry["id"], entry["title"], entry["status"]) == ("in/tarn.md", "Tarn House", "ready")
    shown = json.loads(hopcite("docs", "show", "in/tarn.md", "--json", folder=tmp_path).out)
    [hit] = json.loads(hopcite("search", "When did it open?", "--json", folder=tmp_path).out)
    assert shown["text"][hit["start"] : hit["end"]] == hit["text"]
    refused(hopcite("docs", "delete", "in/tarn.md", "absent", folder=tmp_path), 2, "absent")
    assert json.loads(hopcite("docs", "delete", "in/tarn.md", "--json", folder=tmp_path).out) == {"deleted": 1}
    assert json.loads(hopcite("docs", "list", "--json", folder=tmp_path).out) == []
