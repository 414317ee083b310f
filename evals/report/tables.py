"""The report's tables as text: what ran, what was measured, and how the runs differ from the first one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals import manifest as manifests
from evals.labels import in_order, label
from evals.reading import Run, seconds_of
from evals.summary import BY_TYPE, interval, quantile, scores_of, stage_seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """A value with a second line in small print, such as its interval."""

    text: str
    small: str


Cell = str | Spread


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of a name and cells."""

    header: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    heading: str = ""


def percent(share: float) -> str:
    """`45.1%`."""
    return f"{100 * share:.1f}%"


def points(score: Mapping[str, float], *, times: float = 100, digits: int = 1) -> Spread:
    """A mean with its interval in small print."""
    mean, low, high = (f"{times * score[part]:.{digits}f}" for part in ("mean", "low", "high"))
    return Spread(mean, f"{low} to {high}")


def shares(share: float, between: tuple[float, float] | None) -> Cell:
    """A share in percent with its interval, where it has one, in small print."""
    if between is None:
        return f"{100 * share:.1f}"
    return points({"mean": share, "low": between[0], "high": between[1]})


def provenance(runs: Sequence[Run]) -> Table:
    """What ran where."""
    return _of_runs("", runs, _facts)


def what_ran(runs: Sequence[Run]) -> str:
    """Models, code and machine in one line, with every value that occurs."""
    facts = [{name: str(told) for name, told in _facts(run)} for run in runs]
    told = []
    for name in ("language model", "encoder", "reranker", "code", "machine"):
        values = dict.fromkeys(found[name] for found in facts if name in found)
        if values:
            told.append(f"{name}: {' / '.join(values)}")
    return "; ".join(told)


def differing_settings(runs: Sequence[Run]) -> Table:
    """The leaves of settings and identity that are not equal in all runs."""
    both = [(run.manifest["settings"], run.identity) for run in runs]
    leaves = [dict(pair for tree in trees for pair in manifests.leaves(tree)) for trees in both]
    names = dict.fromkeys(name for found in leaves for name in found if manifests.counts(name))
    rows = [
        (name, tuple(_shown(found.get(name, "–")) for found in leaves))
        for name in names
        if len({_shown(found.get(name, "–")) for found in leaves}) > 1
    ]
    return Table(("setting", *(run.name for run in runs)), rows)


def measures(runs: Sequence[Run]) -> Table:
    """Every measure in percent with its 95% interval; the number of questions where not all of a run's have it."""
    scores = [scores_of(run.records) for run in runs]
    rows = []
    for name in in_order({name for found in scores for name in found}):
        cells: list[Cell] = []
        for run, found in zip(runs, scores, strict=True):
            score = found.get(name)
            cells.append("–" if score is None else _with_count(points(score), score["n"], len(run.records)))
        rows.append((label(name), tuple(cells)))
    return Table(("measure (%)", *(run.name for run in runs)), rows)


def measures_by_type(runs: Sequence[Run]) -> list[Table]:
    """The main measures for each type of question; none where there is one type."""
    kinds = sorted({str(record.get("type") or "") for run in runs for record in run.records})
    tables = []
    for kind in kinds if len(kinds) > 1 else ():
        of_type = [[record for record in run.records if str(record.get("type") or "") == kind] for run in runs]
        scores = [scores_of(records) for records in of_type]
        rows: list[tuple[str, Sequence[Cell]]] = [("questions", tuple(str(len(records)) for records in of_type))]
        rows.extend(
            (label(name), tuple(points(found[name]) if name in found else "–" for found in scores))
            for name in BY_TYPE
            if any(name in found for found in scores)
        )
        tables.append(Table(("measure (%)", *(run.name for run in runs)), rows, heading=kind or "no type"))
    return tables


def outcome(runs: Sequence[Run]) -> Table:
    """How many questions failed, and how many answers have each status."""
    return _of_runs("questions", runs, _outcome)


def cost(runs: Sequence[Run]) -> Table:
    """Seconds, calls and tokens per question that did not fail."""
    return _of_runs("per question", runs, _cost)


def _of_runs(heading: str, runs: Sequence[Run], facts: Callable[[Run], Iterator[tuple[str, Cell]]]) -> Table:
    columns = [dict(facts(run)) for run in runs]
    names = dict.fromkeys(name for found in sorted(columns, key=len, reverse=True) for name in found)
    rows = [(name, tuple(found.get(name, "–") for found in columns)) for name in names]
    return Table((heading, *(run.name for run in runs)), rows)


def _facts(run: Run) -> Iterator[tuple[str, Cell]]:
    manifest, identity = run.manifest, run.identity
    machine, code = manifest.get("machine", {}), manifest.get("code", {})
    failed = sum(record["error"] is not None for record in run.records)
    yield "system", str(identity["system"])
    yield "questions", f"{len(run.records):,}" + (f", {failed} failed" if failed else "")
    yield "state", "finished" if run.complete else "NOT FINISHED"
    yield "mode", "question answering" if run.written else "retrieval only"
    yield "pool", str(identity.get("pool", "open"))
    for job, model in identity.get("models", {}).items():
        sha256 = f" ({model['sha256'][:8]})" if model.get("sha256") else ""
        yield {"llm": "language model"}.get(job, job), f"{model.get('id')}{sha256}"
    yield "code", f"{code.get('version')}, commit {str(code.get('commit'))[:8]}"
    memory = f", {machine['memory_gib']} GiB of memory" if machine.get("memory_gib") else ""
    yield "machine", f"{machine.get('cpu')}, {machine.get('cores')} cores{memory}"
    libraries = "".join(f"; {name} {machine[name]}" for name in manifests.LIBRARIES if machine.get(name))
    yield "software", f"{machine.get('system')}; Python {machine.get('python')}{libraries}"
    yield "started", _time(manifest.get("started"))
    yield "finished", _time(manifest.get("finished"))
    resumed = len(manifest.get("resumed", []))
    yield "resumed", f"{resumed} times" if resumed else "no"
    at_once = f"{manifest.get('concurrency', 1)} at once, {manifest.get('executor', 'local')}"
    yield "asked", f"{at_once}{', with a cache of replies' if manifest.get('cache') else ''}"
    yield "selection", f"limit {manifest.get('limit') or 'none'}, seed {_told(identity.get('seed'))}"
    yield "folder", run.path.resolve().name


def _told(value: object) -> str:
    return "none" if value is None else str(value)


def _time(stamp: object) -> str:
    """`2026-01-31 12:00:00 UTC` of an ISO time, as runs write it."""
    return str(stamp).replace("T", " ").replace("+00:00", " UTC") if stamp else "–"


def _outcome(run: Run) -> Iterator[tuple[str, Cell]]:
    answered = [record for record in run.records if record["error"] is None]
    yield "asked", str(len(run.records))
    yield "failed", str(len(run.records) - len(answered))
    if run.written:
        statuses = Counter(str(record.get("status")) for record in answered)
        for status in ("answered", "partial", "unanswerable"):
            yield status, str(statuses[status])


def _cost(run: Run) -> Iterator[tuple[str, Cell]]:
    answered = [record for record in run.records if record["error"] is None]
    seconds = [s for record in answered if (s := seconds_of(record)) is not None]
    if seconds:
        yield "seconds, mean", points(interval(seconds), times=1, digits=2)
        yield "seconds, half of them within", points(quantile(seconds, 0.5), times=1, digits=2)
        yield "seconds, 95% of them within", points(quantile(seconds, 0.95), times=1, digits=2)
        for stage, values in stage_seconds([record for record in answered if seconds_of(record) is not None]).items():
            if stage != "total" and any(values):
                half, most = np.percentile(values, [50, 95])
                yield f"{stage}: seconds, half and 95% within", Spread(f"{half:.2f}", f"{most:.2f}")
    for name in ("llm_calls", "prompt_tokens", "completion_tokens"):
        values = [float(record["usage"][name]) for record in answered if name in record.get("usage", {})]
        if values:
            told = {"llm_calls": "model calls"}.get(name, name.replace("_", " "))
            yield told, points(interval(values), times=1, digits=1)


def _with_count(cell: Spread, n: float, questions: int) -> Spread:
    return cell if n == questions else Spread(cell.text, f"{cell.small}, of {n:.0f}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 48 else f"{text[:12]}…"
