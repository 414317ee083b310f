"""Records to a summary: means with intervals. A pure function of the records, so that it can always be made again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evals.labels import in_order, label
from evals.metrics.abstention import aurc, ece
from evals.records import Record

RESAMPLES = 2000
_SEED = 20250700355
_COUNTS = ("llm_calls", "prompt_tokens", "completion_tokens")


def summarise(records: Sequence[Record]) -> dict[str, Any]:
    """Scores over the questions for which they are defined, by type as well; what a question cost, on average.

    An interval holds the middle 95% of the means of 2,000 resamples of the questions (percentile bootstrap, seeded).
    A question that failed counts with its zero scores.
    """
    by_type: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_type[record["type"]].append(record)
    answered = [record for record in records if record["error"] is None]
    return {
        "questions": len(records),
        "errors": len(records) - len(answered),
        "statuses": _statuses(answered),
        "unlocated_sentences": sum(record["unlocated_sentences"] for record in records),
        "scores": scores_of(records),
        "by_type": {
            name: {"questions": len(of_type), "scores": scores_of(of_type)} for name, of_type in sorted(by_type.items())
        }
        if len(by_type) > 1
        else {},
        "confidence": _confidence(records),
        "cost": _cost(answered),
    }


def scores_of(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Each measure's `mean`, `low`, `high` and the `n` of questions for which it is defined."""
    values: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for name, value in record["scores"].items():
            if value is not None:
                values[name].append(value)
    return {name: {"n": len(values[name]), **interval(values[name])} for name in in_order(values)}


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and 95% interval of at least one value."""
    found = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(_SEED).integers(0, len(found), size=(RESAMPLES, len(found)))
    low, high = np.percentile(found[drawn].mean(axis=1), [2.5, 97.5])
    return {"mean": float(found.mean()), "low": float(low), "high": float(high)}


def render_summary(summary: Mapping[str, Any]) -> str:
    """The summary as Markdown: a table of scores in percent, then what a question cost."""
    lines = [
        f"{summary['dataset']} {summary['split']}, system {summary['system']}: {summary['questions']} questions, "
        f"{summary['errors']} failed",
        "",
        "| measure | mean | 95% interval | questions |",
        "|---|---|---|---|",
    ]
    for name, score in summary["scores"].items():
        shown = " | ".join(f"{100 * score[part]:.1f}" for part in ("mean",))
        between = f"{100 * score['low']:.1f} to {100 * score['high']:.1f}"
        lines.append(f"| {label(name)} | {shown} | {between} | {score['n']} |")
    for name, part in summary["by_type"].items():
        told = ", ".join(
            f"{label(score)} {100 * part['scores'][score]['mean']:.1f}"
            for score in ("em", "f1", "accuracy", "recall@5")
            if score in part["scores"]
        )
        lines.append(f"\n{name} ({part['questions']}): {told}")
    if sure := summary["confidence"]:
        lines.append(f"\nConfidence: AURC {100 * sure['aurc']:.1f}, ECE {100 * sure['ece']:.1f}")
    if cost := summary["cost"]:
        seconds = ", ".join(f"{stage} {value:.1f}" for stage, value in cost["seconds"].items())
        lines.append(
            f"\nPer question: {cost['llm_calls']:.1f} model calls, {cost['prompt_tokens']:,.0f} prompt tokens, "
            f"{cost['completion_tokens']:,.0f} completion tokens; seconds: {seconds} "
            f"(median {cost['seconds_p50']:.1f}, 95% under {cost['seconds_p95']:.1f})"
        )
    lines += [f"\nNote: {note}" for note in summary.get("notes", ())]
    return "\n".join(lines)


def _statuses(records: Sequence[Record]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for record in records:
        counts[record["status"]] += 1
    return dict(sorted(counts.items()))


def _confidence(records: Sequence[Record]) -> dict[str, float]:
    """Whether `confidence` knows which answers are right: area under the risk-coverage curve, calibration error.

    Right is EM or, where it is defined, MultiHop-RAG's accuracy. Empty where no answer was scored.
    """
    known = [
        (0.0 if record["error"] else float(record["confidence"]), right)
        for record in records
        if (right := record["scores"].get("accuracy", record["scores"].get("em"))) is not None
    ]
    if not known:
        return {}
    confidence, correct = zip(*known, strict=True)
    return {"n": len(known), "aurc": aurc(confidence, correct), "ece": ece(confidence, correct)}


def _cost(records: Sequence[Record]) -> dict[str, Any]:
    if not records:
        return {}
    stages = list(records[0]["usage"]["ms"])
    cost: dict[str, Any] = {name: float(np.mean([record["usage"][name] for record in records])) for name in _COUNTS}
    cost["seconds"] = {
        stage: float(np.mean([record["usage"]["ms"].get(stage, 0.0) for record in records])) / 1000 for stage in stages
    }
    totals = [record["usage"]["ms"].get("total", 0.0) / 1000 for record in records]
    cost["seconds_p50"], cost["seconds_p95"] = (float(value) for value in np.percentile(totals, [50, 95]))
    return cost
