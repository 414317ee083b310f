"""Run folders as a run leaves them, small enough to work out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DEPTH = 2
"""Passages that the writer reads in these runs."""


def record(
    id_: str,
    *,
    kind: str = "bridge",
    scores: dict[str, float | None] | None = None,
    evidence: Sequence[str] = (),
    gold: Sequence[Sequence[str]] = (),
    **fields: Any,
) -> dict[str, Any]:
    """A question with evidence named by document: chunk `d1` is of document `d`."""
    items = [
        {"chunk_id": chunk, "document_id": chunk[:-1], "title": f"Title {chunk[:-1]}", "text": f"Text of {chunk}.",
         "start": 0, "end": 9, "rank": rank, "retrieval_score": 1 / rank, "rerank_score": 10.0 - rank, "steps": ["q"]}
        for rank, chunk in enumerate(evidence, start=1)
    ]  # fmt: skip
    ms = {"plan": 100.0, "retrieve": 20.0, "rerank": 300.0, "write": 500.0, "verify": 1.0, "total": 1000.0}
    return {
        "id": id_,
        "type": kind,
        "question": f"What is {id_}?",
        "answer": f"It is {id_} [1].",
        "short_answer": id_,
        "status": "answered",
        "confidence": 0.5,
        "claims": [],
        "citations": [],
        "steps": [{"id": "q", "question": f"What is {id_}?", "answer": "", "status": "found", "round": 0,
                   "chunk_ids": list(evidence)}],
        "evidence": items,
        "usage": {"llm_calls": 2, "prompt_tokens": 100, "completion_tokens": 10, "ms": ms},
        "gold": {"answers": [id_.upper()], "passages": [f"Gold {n}" for n in range(len(gold))],
                 "document_ids": [list(ids) for ids in gold]},
        "scores": scores or {},
        "error": None,
        **fields,
    }  # fmt: skip


def write_run(
    folder: Path,
    records: Sequence[dict[str, Any]],
    *,
    system: str = "adaptive",
    dataset: str = "hotpotqa",
    questions_sha256: str = "a" * 64,
    retrieval_only: bool = False,
    status: str = "complete",
) -> Path:
    """A run's folder with these records."""
    folder.mkdir(parents=True)
    identity = {
        "format": 1, "dataset": dataset, "split": "test", "corpus_sha256": "c" * 64,
        "questions_sha256": questions_sha256, "system": system, "seed": None, "retrieval_only": retrieval_only,
        "settings_fingerprint": system, "models": {"llm": {"id": "small", "sha256": "d" * 64}}, "code_sha256": "e" * 64,
    }  # fmt: skip
    manifest = {
        "identity": identity,
        "settings": {"answer": {"mode": system, "evidence": DEPTH}, "rerank": {"method": "none", "passages": 4}},
        "machine": {"cpu": "abacus", "cores": 2, "system": "Linux", "python": "3.11"},
        "code": {"version": "0.1.0", "commit": "f" * 40},
        "started": "2026-01-01T00:00:00+00:00", "resumed": [], "status": status, "finished": None,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "records.jsonl").write_text(lines, encoding="utf-8")
    return folder
