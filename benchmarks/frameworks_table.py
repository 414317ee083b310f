"""Records of several systems to one table, over the questions that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, median

import numpy as np

from evals.compare_text import interval_text, points_text
from evals.paired import Difference, differences
from evals.records import Record
from evals.summary import interval

_HEAD = (
    "| system | EM | F1 | F1 beside {0} | calls | prompt tokens | reply tokens | seconds, mean | median | "
    "processor seconds, mean | beside {0} | failures |"
)


def render(records: Mapping[str, Sequence[Record]], *, baseline: str) -> str:
    """Scores in percent and differences to the baseline with their 95% intervals; what a question cost."""
    common = set.intersection(*({record["id"] for record in own} for own in records.values()))
    lines = [
        f"{len(common)} questions that all have",
        "",
        _HEAD.format(baseline),
        "|---" * _HEAD.count(" | ") + "|---|",
    ]
    of = {
        name: sorted((r for r in own if r["id"] in common), key=lambda r: str(r["id"])) for name, own in records.items()
    }
    for name, own in sorted(of.items(), key=lambda item: item[0] != baseline):
        beside = ("", "") if name == baseline or baseline not in of else _beside(of[baseline], own)
        cells = (name, _percent(own, "em"), _percent(own, "f1"), beside[0], *_cost(own), beside[1], _failures(own))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(records: Sequence[Record], measure: str) -> str:
    found = interval([record["scores"][measure] for record in records])
    return f"{100 * found['mean']:.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _cost(records: Sequence[Record]) -> tuple[str, ...]:
    calls, prompt, completion = (
        mean(record["usage"][name] for record in records)
        for name in ("llm_calls", "prompt_tokens", "completion_tokens")
    )
    took = [record["usage"]["ms"]["total"] / 1000 for record in records]
    busy = mean(record["usage"]["processor_s"] for record in records)
    clock = (f"{mean(took):.1f}", f"{median(took):.1f}")
    return f"{calls:.1f}", f"{prompt:,.0f}", f"{completion:,.0f}", *clock, f"{busy:.1f}"


def _beside(ours: Sequence[Record], theirs: Sequence[Record]) -> tuple[str, str]:
    """Theirs minus ours, question by question: points of F1, and seconds of the processor."""
    a, b = (
        np.array([[record["scores"]["f1"], record["usage"]["processor_s"]] for record in own]) for own in (ours, theirs)
    )
    f1, took = differences(a, b)
    return f"{points_text(f1.difference)} ({interval_text(f1)})", _seconds_text(took)


def _seconds_text(found: Difference) -> str:
    return f"{found.difference:+.1f} ({found.low:+.1f} to {found.high:+.1f})"


def _failures(records: Sequence[Record]) -> str:
    return str(sum(record["failure"] is not None for record in records))
