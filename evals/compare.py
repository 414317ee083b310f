"""Run B against run A, question by question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals import manifest as manifests
from evals.labels import HARMS, in_order
from evals.paired import RESAMPLES, SEED, Difference, differences
from evals.reading import Run, read_runs
from evals.records import Record
from hopcite.errors import UsageError

Pair = tuple[Record, Record]
_EVIDENCE_TOLD = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the questions that both runs have say of A and B."""

    a: Run
    b: Run
    pairs: tuple[Pair, ...]
    left_out_a: int
    """Questions that A alone has."""
    left_out_b: int
    settings: tuple[str, ...]
    """In what the two runs differ, beside their outcome."""
    scores: Mapping[str, Difference]
    by_type: Mapping[str, tuple[int, Mapping[str, Difference]]]
    """Question type to its number of questions and their differences; empty where there is one type."""
    only_a: tuple[str, ...]
    """Measures that no pair can be compared by, for B lacks them."""
    only_b: tuple[str, ...]
    measure: str
    """The 0/1 measure by which a question is right or wrong."""
    to_b: tuple[Pair, ...]
    """Wrong in A, right in B."""
    to_a: tuple[Pair, ...]


def compare_folders(a: Path, b: Path) -> Comparison:
    """Compare two run folders. `UsageError` says why when they can't be."""
    return compare(*read_runs([a, b]))


def compare(a: Run, b: Run) -> Comparison:
    """Compare two runs over the same file of questions."""
    others = {record["id"]: record for record in b.records}
    pairs = tuple((record, others[record["id"]]) for record in a.records if record["id"] in others)
    if not pairs:
        raise UsageError(f"{a.path} and {b.path} have no question in common; raise their --limit or use one --seed.")
    by_type: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_type[str(pair[0].get("type") or "")].append(pair)
    measure = a.correctness if a.correctness == b.correctness else "all_evidence@5"
    scores = paired_scores(pairs)
    return Comparison(
        a=a,
        b=b,
        pairs=pairs,
        left_out_a=len(a.records) - len(pairs),
        left_out_b=len(b.records) - len(pairs),
        settings=tuple(manifests.differences(a.manifest, b.manifest)),
        scores=scores,
        only_a=_alone((of_a for of_a, _ in pairs), scores),
        only_b=_alone((of_b for _, of_b in pairs), scores),
        by_type={kind: (len(of_type), paired_scores(of_type)) for kind, of_type in sorted(by_type.items())}
        if len(by_type) > 1
        else {},
        measure=measure,
        to_b=_flipped(pairs, measure, 0.0, 1.0),
        to_a=_flipped(pairs, measure, 1.0, 0.0),
    )


def paired_scores(pairs: Sequence[Pair]) -> dict[str, Difference]:
    """Every measure over the questions on which both runs have it, in the order of a summary."""
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in {name for pair in pairs for name in pair[0]["scores"]}:
        known = tuple(n for n, (a, b) in enumerate(pairs) if _has(a, name) and _has(b, name))
        if known:
            groups[known].append(name)
    found: dict[str, Difference] = {}
    for known, names in groups.items():  # the measures of the same questions are resampled together
        names.sort()
        before, after = (
            np.array([[pairs[n][side]["scores"][name] for name in names] for n in known], dtype=float)
            for side in (0, 1)
        )
        harms = [column for column, name in enumerate(names) if name in HARMS]
        found.update(zip(names, differences(before, after, harms=harms), strict=True))
    return {name: found[name] for name in in_order(found)}


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All of it as JSON values, with both answers and traces of the questions that flipped."""
    a, b = comparison.a, comparison.b
    return {
        "a": {"name": a.name, "folder": str(a.path), "complete": a.complete, "left_out": comparison.left_out_a},
        "b": {"name": b.name, "folder": str(b.path), "complete": b.complete, "left_out": comparison.left_out_b},
        "dataset": a.identity["dataset"],
        "split": a.identity["split"],
        "questions": len(comparison.pairs),
        "settings": list(comparison.settings),
        "resamples": RESAMPLES,
        "seed": SEED,
        "scores": {name: asdict(found) for name, found in comparison.scores.items()},
        "only_a": list(comparison.only_a),
        "only_b": list(comparison.only_b),
        "by_type": {
            kind: {"questions": n, "scores": {name: asdict(found) for name, found in scores.items()}}
            for kind, (n, scores) in comparison.by_type.items()
        },
        "flips": {
            "measure": comparison.measure,
            "to_b": [_flip(pair) for pair in comparison.to_b],
            "to_a": [_flip(pair) for pair in comparison.to_a],
        },
    }


def _has(record: Record, name: str) -> bool:
    return record["scores"].get(name) is not None


def _alone(records: Iterable[Record], compared: Collection[str]) -> tuple[str, ...]:
    names = {name for record in records for name, value in record["scores"].items() if value is not None}
    return tuple(in_order(names - set(compared)))


def _flipped(pairs: Sequence[Pair], measure: str, before: float, after: float) -> tuple[Pair, ...]:
    return tuple(
        pair for pair in pairs if pair[0]["scores"].get(measure) == before and pair[1]["scores"].get(measure) == after
    )


def _flip(pair: Pair) -> dict[str, Any]:
    a, b = pair
    return {
        "id": a["id"],
        "type": a.get("type", ""),
        "question": a.get("question", ""),
        "gold": a.get("gold", {}),
        "a": _side(a),
        "b": _side(b),
    }


def _side(record: Record) -> dict[str, Any]:
    kept = ("answer", "short_answer", "status", "confidence", "error", "scores", "citations", "steps", "trace", "usage")
    evidence = record.get("evidence", [])[:_EVIDENCE_TOLD]
    told = ("rank", "document_id", "title", "retrieval_score", "rerank_score", "steps")
    return {
        **{name: record.get(name) for name in kept},
        "evidence": [{name: item.get(name) for name in told} for item in evidence],
    }
