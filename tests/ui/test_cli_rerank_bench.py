"""`hopcite rerank-bench` as a process: a table on stdout, rows in a file, no model needed for `none`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_first_stage_can_be_measured_without_a_model(tmp_path: Path) -> None:
    line = {
        "id": "q",
        "query": "What opened in 1911?",
        "candidates": [{"id": "a", "text": "Rye bread.", "relevance": 0}, {"id": "b", "text": "Tarn.", "relevance": 1}],
    }
    (tmp_path / "candidates.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
    done = subprocess.run(
        [sys.executable, "-c", "from ui.cli import main; main()", "rerank-bench", "--data", ".", "--methods", "none",
         "--out", "rows.json", "--plot", "plot.svg"],
        cwd=tmp_path, env={**bare, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| none |" in done.stdout
    assert "<title>none</title>" in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    [row] = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert (row["method"], row["mrr"], row["recall@5"], row["calls"], row["validity"]) == ("none", 0.5, 1.0, 0, 1)
