"""A run that is killed for real (SIGKILL) and started again, by the command line over the samples."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evals.records import read_records
from hopcite.settings import Settings
from ingest import ingest_files, open_ledger
from retrieval import open_collection, open_encoder
from tests.ui.test_cli import ROOT, hopcite

SAMPLES = sorted((ROOT / "samples").glob("*.md"))
COMMAND = ("eval", "run", "custom", "--data", "own.jsonl", "--system", "hybrid", "--retrieval-only", "--out")


def write_questions(path: Path) -> int:
    """A question about every 10 words of the plain samples; how many that are."""
    lines: list[dict[str, object]] = []
    for file in SAMPLES:
        words = file.read_text(encoding="utf-8").split()
        lines += [
            {
                "id": f"{file.name} {n}",
                "question": f"What of {' '.join(words[n : n + 10])}?",
                "gold_documents": [file.name],
            }
            for n in range(0, len(words), 10)
        ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def ingest_samples(data_dir: Path) -> None:
    """Into the default collection."""
    settings = Settings(data_dir=data_dir)
    collection = open_collection(settings, open_encoder(settings), create=True)
    with contextlib.closing(collection), open_ledger(settings) as ledger:
        ingest_files(SAMPLES, collection=collection, ledger=ledger, settings=settings)


def kill_after_first_records(folder: Path, out: str) -> None:
    """Start the command and kill it as soon as it has written some records."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
    records = folder / out / "records.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", "from ui.cli import main; main()", *COMMAND, out],
        cwd=folder,
        env={**bare, "PYTHONPATH": str(ROOT), "HOPCITE_DATA_DIR": "d"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (records.exists() and records.read_bytes().count(b"\n") >= 5):
            assert process.poll() is None, "it ended before it wrote a record"
            time.sleep(0.005)
        process.kill()


def without_times(value: Any) -> Any:
    """A record but for its milliseconds."""
    if isinstance(value, dict):
        return {name: without_times(part) for name, part in value.items() if name != "ms"}
    return [without_times(part) for part in value] if isinstance(value, list) else value


@pytest.mark.models
def test_a_run_killed_in_the_middle_goes_on_and_equals_an_undisturbed_one(tmp_path: Path) -> None:
    total = write_questions(tmp_path / "own.jsonl")
    ingest_samples(tmp_path / "d")
    kill_after_first_records(tmp_path, "killed")
    before = read_records(tmp_path / "killed")
    assert 5 <= len(before) < total
    for out in ("killed", "whole"):
        done = hopcite(*COMMAND, out, folder=tmp_path, HOPCITE_DATA_DIR="d")
        assert done.status == 0, done.err
    killed, whole = (read_records(tmp_path / out) for out in ("killed", "whole"))
    assert killed[: len(before)] == before, "what was there is not asked again"
    assert len(killed) == total
    assert without_times(killed) == without_times(whole)
    sums = [json.loads((tmp_path / out / "summary.json").read_text(encoding="utf-8")) for out in ("killed", "whole")]
    for name in ("questions", "errors", "statuses", "scores", "by_type"):
        assert sums[0][name] == sums[1][name], name
    for name in ("llm_calls", "prompt_tokens", "completion_tokens"):
        assert sums[0]["cost"][name] == sums[1]["cost"][name], name
