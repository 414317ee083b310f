"""`hopcite rerank-bench` as a process: a table on stdout, rows in a file, no model needed for `none`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    line = {
        "id": "q",
        "query": "What opened in 1911?",
        "candidates": [{"id": "a", "text": "Rye bread.", "relevance": 0}, {"id": "b", "text": "Tarn.", "relevance": 1}],
    }
    (folder / "candidates.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
    return subprocess.run(
        [sys.executable, "-c", "from ui.cli import main; main()", "rerank-bench", "--data", ".", *more],
        cwd=folder, env={**bare, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_first_stage_can_be_measured_without_a_model(tmp_path: Path) -> None:
    done = bench(tmp_path, "--methods", "none", "--out", "rows.json", "--plot", "plot.svg")
    assert done.returncode == 0, done.stderr
    assert "| none |" in done.stdout
    assert "<title>none</title>" in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    [row] = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert (row["method"], row["mrr"], row["recall@5"], row["calls"], row["validity"]) == ("none", 0.5, 1.0, 0, 1)


def test_spaces_between_methods_make_no_other_method(tmp_path: Path) -> None:
    done = bench(tmp_path, "--methods", "none, none ,none+fused", "--out", "rows.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in rows] == ["none", "none+fused"]
