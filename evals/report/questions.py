"""The questions of the report with every run's answer and trace, as the JSON that the page's script draws.

It is packed (gzip, base64): browsers unpack it by themselves. Texts that several runs share are stored once, and what
would still make the page too large is cut, the least needed first.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.labels import in_order, label
from evals.losses import Depths, fates, shown_chunks
from evals.reading import Run, seconds_of
from evals.records import Record

BUDGET = 4_000_000
"""Bytes of packed questions that a page may hold."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of each record goes into the page: passages a run, and characters of each text."""

    passages: int
    passage: int
    quote: int
    trace: int


_DETAILS = (Detail(10, 280, 300, 300), Detail(8, 160, 200, 160), Detail(5, 100, 120, 100), Detail(3, 0, 60, 0))


def packed_questions(runs: Sequence[Run], *, budget: int = BUDGET) -> str:
    """As much detail as the budget allows; the last level of detail, whatever its size, when none fits."""
    for detail in _DETAILS[:-1]:
        packed = _packed(questions(runs, detail))
        if len(packed) <= budget:
            return packed
    return _packed(questions(runs, _DETAILS[-1]))


def _packed(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(text, compresslevel=6, mtime=0)).decode()


def questions(runs: Sequence[Run], detail: Detail = _DETAILS[0]) -> dict[str, Any]:
    """What the page's script is given: questions in the order of the runs, answers in the order of `runs`."""
    by_id = [{record["id"]: record for record in run.records} for run in runs]
    ids = dict.fromkeys(id_ for records in by_id for id_ in records)
    measures = in_order({name for run in runs for record in run.records for name in record["scores"]})
    return {
        "measures": [label(name) for name in measures],
        "runs": [{"name": run.name, "measure": label(run.correctness), "written": run.written} for run in runs],
        "cut": detail != _DETAILS[0],
        "questions": [_question(runs, [records.get(id_) for records in by_id], measures, detail) for id_ in ids],
    }


def _question(
    runs: Sequence[Run], records: Sequence[Record | None], measures: Sequence[str], detail: Detail
) -> dict[str, Any]:
    first = next(record for record in records if record is not None)
    gold = first.get("gold", {})
    gold_ids = {id_ for ids in gold.get("document_ids", []) for id_ in ids}
    passages: dict[str, int] = {}
    texts: list[list[Any]] = []

    def place(item: Mapping[str, Any]) -> int:
        """Where the passage stands among those of the question: each is stored once."""
        if item["chunk_id"] not in passages:
            passages[item["chunk_id"]] = len(texts)
            is_gold = int(item["document_id"] in gold_ids)
            texts.append([item["title"], _cut(item["text"], detail.passage), is_gold])
        return passages[item["chunk_id"]]

    told = []
    for run, record in zip(runs, records, strict=True):
        kept = _kept(record, gold_ids, detail.passages) if record else []
        shown = set(shown_chunks(record) or ()) if record else set()
        evidence = [
            [place(item), item["rank"], _score(item["retrieval_score"]),
             _score(item.get("rerank_score")) if run.reranked else None,
             " ".join(item.get("steps", [])), int(item["chunk_id"] in shown)]
            for item in kept
        ]  # fmt: skip
        told.append(None if record is None else {**_answer(run, record, measures, detail), "evidence": evidence})
    return {
        "id": str(first["id"]),
        "type": str(first.get("type") or ""),
        "question": str(first.get("question", "")),
        "gold": [str(answer) for answer in gold.get("answers", [])],
        "passages": [str(name) for name in gold.get("passages", [])],
        "texts": texts,
        "runs": told,
    }


def _answer(run: Run, record: Record, measures: Sequence[str], detail: Detail) -> dict[str, Any]:
    met = fates(record, depths=Depths.of(run), written=run.written) if run.evidence != "none" else {}
    return {
        "right": record["scores"].get(run.correctness),
        "short": str(record.get("short_answer") or ""),
        "answer": str(record.get("answer") or "") if run.written else "",
        "status": str(record.get("status") or ""),
        "confidence": record.get("confidence"),
        "seconds": seconds_of(record),
        "error": record["error"],
        "scores": [None if (v := record["scores"].get(name)) is None else round(v, 3) for name in measures],
        "steps": [
            [step["id"], step.get("question", ""), step.get("answer", ""), step.get("status", "")]
            for step in record.get("steps", [])
        ],
        "citations": [
            [citation.get("n"), citation.get("title", ""), _cut(citation.get("quote", ""), detail.quote),
             int(bool(citation.get("verified")))]
            for citation in record.get("citations", [])
        ],
        "trace": [
            [event.get("node", ""), round(float(event.get("ms", 0.0)), 1), _event(event.get("detail", {}), detail)]
            for event in record.get("trace") or []
        ],
        "fates": [met[n] for n in sorted(met)],
    }  # fmt: skip


def _kept(record: Record, gold_ids: set[str], most: int) -> list[Mapping[str, Any]]:
    """The first passages, and where the gold ones stand further down."""
    return [
        item
        for n, item in enumerate(record.get("evidence", []))
        if n < most or (most and item["document_id"] in gold_ids)
    ]


def _event(detail: Mapping[str, Any], cut: Detail) -> str:
    """`name value; …` without what is empty or the same for all questions; of chunk ids, their number."""
    shared = ("stage", "conditions")
    kept = {name: value for name, value in detail.items() if name not in shared and value not in ([], "")}
    told = {name: f"{len(value)} passages" if name == "shown" else value for name, value in kept.items()}
    return _cut("; ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in told.items()), cut.trace)


def _plain(value: object) -> str:
    """A value of the trace as a reader writes it: numbers with four digits, no brackets around mappings."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(of_name)}" for name, of_name in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _score(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _cut(text: str, most: int) -> str:
    # White space is closed up in a little more than is kept: documents may be long, and there are many of them.
    words = " ".join(text[: 2 * most].split())
    whole = len(words) <= most and len(text) <= 2 * most
    return words if whole else f"{words[:most].rstrip()} …" if most else ""
