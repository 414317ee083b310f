"""Records to a summary: means with intervals. A pure function of the records, so that it can always be made again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.columns import columns, wrapped
from evals.labels import in_order, label
from evals.metrics.abstention import aurc, ece
from evals.reading import confidence_and_correctness, was_given
from evals.records import Record

RESAMPLES = 2000
_SEED = 20250700355
BY_TYPE = ("em", "f1", "accuracy", "recall@5", "all_evidence@5", "right", "success")
"""The measures that are told for each type of question; the last two are those of attacks."""
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
    low, high = np.percentile(_resampled(found).mean(axis=1), [2.5, 97.5])
    return {"mean": float(found.mean()), "low": float(low), "high": float(high)}


def quantile(values: Sequence[float], share: float) -> dict[str, float]:
    """As `mean`, the value that this share of the values does not exceed, with the 95% interval of its resamples."""
    found = np.asarray(values, dtype=float)
    low, high = np.percentile(np.quantile(_resampled(found), share, axis=1), [2.5, 97.5])
    return {"mean": float(np.quantile(found, share)), "low": float(low), "high": float(high)}


def stage_seconds(records: Sequence[Record]) -> dict[str, list[float]]:
    """Each stage that some record has to its seconds in all of them; `total` comes last."""
    spent = [record["usage"]["ms"] for record in records]
    stages = dict.fromkeys(stage for ms in spent for stage in ms)
    return {
        stage: [ms.get(stage, 0.0) / 1000 for ms in spent] for stage in sorted(stages, key=lambda name: name == "total")
    }


def render_summary(summary: Mapping[str, Any]) -> str:
    """The summary as text: scores in percent with their intervals, by type as well, then what a question cost."""
    lines = [
        f"{summary['dataset']} {summary['split']}, system {summary['system']}: {summary['questions']} questions, "
        f"{summary['errors']} failed",
        "",
        *columns(
            [
                ("measure (%)", "mean", "95% interval", "questions"),
                *(
                    (label(name), percent(score), interval_text(score), str(score["n"]))
                    for name, score in summary["scores"].items()
                ),
            ]
        ),
    ]
    kinds = [
        (f"{kind or 'no type'} ({part['questions']})", label(name), percent(score), interval_text(score))
        for kind, part in summary["by_type"].items()
        for name, score in part["scores"].items()
        if name in BY_TYPE
    ]
    if kinds:
        lines += ["", *columns([("type (questions)", "measure (%)", "mean", "95% interval"), *kinds], left=(0, 1))]
    if sure := summary["confidence"]:
        told = f"AURC {100 * sure['aurc']:.1f} ({sure['n']} questions), ECE {100 * sure['ece']:.1f}"
        lines += ["", f"Confidence: {told} ({sure['answers']} answers)"]
    if cost := summary["cost"]:
        told = (
            f"Per question: {cost['llm_calls']:.1f} model calls, {cost['prompt_tokens']:,.0f} prompt tokens, "
            f"{cost['completion_tokens']:,.0f} completion tokens"
        )
        seconds = [
            (stage, *(seconds_text(cost[name][stage]) for name in ("seconds", "seconds_p50", "seconds_p95")))
            for stage, mean in cost["seconds"].items()
            if mean
        ]
        lines += ["", wrapped(told), "", *columns([("seconds", "mean", "median", "95% within"), *seconds])]
    if lost := summary.get("unlocated_sentences"):
        told = f"Note: {lost} supporting sentences are not in the stored texts; their questions have no such scores."
        lines += ["", wrapped(told)]
    for note in summary.get("notes", ()):
        lines += ["", wrapped(f"Note: {note}")]
    return "\n".join(lines)


def percent(score: Mapping[str, float]) -> str:
    """Of a mean between 0 and 1."""
    return f"{100 * score['mean']:.1f}"


def interval_text(score: Mapping[str, float]) -> str:
    """`12.3 to 45.6`, in percent."""
    return f"{100 * score['low']:.1f} to {100 * score['high']:.1f}"


def seconds_text(seconds: float) -> str:
    """`12.3`; below 1 with two digits that count."""
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"


def _statuses(records: Sequence[Record]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for record in records:
        counts[record["status"]] += 1
    return dict(sorted(counts.items()))


def _confidence(records: Sequence[Record]) -> dict[str, float]:
    """Whether `confidence` knows which answers are right: area under the risk-coverage curve, calibration error.

    Right is EM or, where it is defined, MultiHop-RAG's accuracy. The area is over `n` questions, the error over the
    `answers` that were given. Empty where no answer has both.
    """
    sure, right = confidence_and_correctness(records)
    given = confidence_and_correctness([record for record in records if was_given(record)])
    return {"n": len(sure), "aurc": aurc(sure, right), "answers": len(given[0]), "ece": ece(*given)} if sure else {}


def _cost(records: Sequence[Record]) -> dict[str, Any]:
    """Means; of the seconds of each stage, 0 for a question that skipped it, the median and 95th percentile too."""
    if not records:
        return {}
    cost: dict[str, Any] = {name: float(np.mean([record["usage"][name] for record in records])) for name in _COUNTS}
    stages = stage_seconds(records)
    cost["seconds"] = {stage: float(np.mean(values)) for stage, values in stages.items()}
    for share in (50, 95):
        cost[f"seconds_p{share}"] = {stage: float(np.percentile(values, share)) for stage, values in stages.items()}
    return cost


def _resampled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[np.random.default_rng(_SEED).integers(0, len(values), size=(RESAMPLES, len(values)))]
