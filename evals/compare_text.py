"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evals.columns import columns, shortened, wrapped
from evals.compare import Comparison, Pair
from evals.labels import label
from evals.paired import RESAMPLES, Difference
from evals.reading import Run
from evals.records import Record
from evals.summary import BY_TYPE

_FLIPS_TOLD = 5


def render_comparison(comparison: Comparison) -> str:
    """Means in percent, differences with intervals, the main measures by type, and questions that flipped."""
    return "\n".join(_lines(comparison))


def p_text(p: float) -> str:
    """Three digits are enough to judge by."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def interval_text(found: Difference) -> str:
    """In points: hundredths of a score of 1."""
    return f"{points_text(found.low)} to {points_text(found.high)}"


def points_text(difference: float) -> str:
    """With its sign; what rounds to nothing has none."""
    rounded = round(100 * difference, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _lines(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    yield f"{a.identity['dataset']} {a.identity['split']}: {len(comparison.pairs)} questions in both runs"
    yield _run("A", a, comparison.left_out_a)
    yield _run("B", b, comparison.left_out_b)
    if comparison.settings:
        yield "In what they differ, as A, now B:"
        yield from (f"   {line}" for line in comparison.settings)
    yield ""
    yield from _table(comparison.scores, len(comparison.pairs))
    for letter, names in (("A", comparison.only_a), ("B", comparison.only_b)):
        if names:
            yield wrapped(f"Only {letter} has: {', '.join(map(label, names))}")
    for kind, (n, scores) in comparison.by_type.items():
        yield f"\n{kind or 'no type'}, {n} questions"
        yield from _table({name: scores[name] for name in BY_TYPE if name in scores} or scores, n)
    yield ""
    yield wrapped(
        f"A, B: means in percent. B - A: points, with the 95% interval of {RESAMPLES:,} paired resamples of the "
        "questions. p: exact, two-sided, over the questions that differ; not adjusted for the number of measures. n: "
        "questions that have the measure in both runs. No verdict: no difference shown; a verdict needs an interval "
        "without 0 and at least six questions that differ."
    )
    yield from _flips(f"wrong in A, right in B (by {label(comparison.measure)})", comparison.to_b, comparison)
    yield from _flips(f"right in A, wrong in B (by {label(comparison.measure)})", comparison.to_a, comparison)


def _run(letter: str, run: Run, left_out: int) -> str:
    state = "" if run.complete else ", not finished"
    return f"{letter}: {run.name}  ({run.path}{state}; {left_out} questions left out)"


def _table(scores: Mapping[str, Difference], questions: int) -> Iterator[str]:
    if not scores:
        yield "no measure is defined for these questions in both runs"
        return
    counted = any(found.n != questions for found in scores.values())
    rows = [("measure", "A", "B", "B - A", "95% interval", "p", *(["n"] if counted else []), "verdict")]
    for name, found in scores.items():
        means = (f"{100 * found.mean_a:.1f}", f"{100 * found.mean_b:.1f}", points_text(found.difference))
        n = [str(found.n)] if counted else []
        told = "" if found.verdict == "no difference shown" else found.verdict
        rows.append((label(name), *means, interval_text(found), p_text(found.p), *n, told))
    yield from columns(rows, left=(0, len(rows[0]) - 1))
    if not any(row[-1] for row in rows[1:]):
        yield "no difference shown"


def _flips(heading: str, pairs: Sequence[Pair], comparison: Comparison) -> Iterator[str]:
    yield f"\n{len(pairs)} {heading}"
    written = comparison.a.written and comparison.b.written
    for a, b in pairs[:_FLIPS_TOLD]:
        yield shortened(f"  {a['id']}: {a.get('question', '')}")
        yield shortened(f"    gold: {_gold(a)}")
        yield shortened(f"    A: {_outcome(a, written=written)}")
        yield shortened(f"    B: {_outcome(b, written=written)}")
    if len(pairs) > _FLIPS_TOLD:
        yield f"  and {len(pairs) - _FLIPS_TOLD} more: see --json"


def _gold(record: Record) -> str:
    return " / ".join(map(str, record.get("gold", {}).get("answers", []))) or "not given"


def _outcome(record: Record, *, written: bool) -> str:
    if record["error"]:
        return str(record["error"])
    searches = " | ".join(str(step.get("question")) for step in record.get("steps", []) if step.get("id") != "q")
    told = f"; steps: {searches}" if searches else ""
    if not written:
        titles = list(dict.fromkeys(str(item.get("title")) for item in record.get("evidence", [])))
        return f"first passages: {'; '.join(titles[:5])}{told}"
    short = record.get("short_answer") or record.get("answer", "")
    return f"{short} ({record.get('status')}, confidence {record.get('confidence') or 0:.2f}){told}"
