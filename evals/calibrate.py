"""`hopcite eval calibrate`: from runs with known answers to a confidence that means the chance of being right.

Only answers that were given count: what is declined has confidence 0 whatever the calibration says. The quality told is
that on answers held out, so it can come out worse than without calibration; then nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agent.calibration import FILE, Calibration, Condition, Quality, Signal, differences, uncalibrated
from agent.signals import Signals
from evals.fitting import fit, held_out, quality
from evals.metrics.abstention import Bin, calibration_bins
from evals.reading import Run, read_run
from evals.records import Record, replace_file
from hopcite.errors import OperatorError, UsageError

FEWEST = 10
"""Answers below which nothing is fitted."""
_FEWEST_OF_A_KIND = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer that was given: the signal that is its confidence when uncalibrated, and whether it was right."""

    signal: Signal
    value: float
    right: bool
    conditions: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted, and the reliability before it and, on answers held out, after it."""

    calibration: Calibration
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]
    one_for_all: Quality
    """Of the share of right answers as the confidence of each: what must be beaten to tell right from wrong."""
    left_out: Mapping[str, int]
    """Why questions did not count, and how many."""
    path: Path
    """Where the calibration is kept, if it is."""

    @property
    def better(self) -> bool:
        """Whether answers held out are judged better with it than without, by the Brier score."""
        return self.calibration.after.brier < self.calibration.before.brier


def calibrate(paths: Sequence[Path], *, data_dir: Path) -> Calibrated:
    """Fit the confidence to the answers of these runs and, if it is better, put it into the data folder.

    A question that several runs asked counts as the last of them answered it. Raises `UsageError` where a folder holds
    no run, or one without signals or known answers, where runs were made under different conditions, and where there
    are too few answers, or hardly any right or wrong ones. An earlier calibration stays whole until it is replaced.
    """
    runs = [read_run(path) for path in paths]
    samples, left_out = _samples(runs)
    _check(samples, left_out)
    values = np.array([sample.value for sample in samples])
    right = np.array([sample.right for sample in samples], dtype=float)
    after = held_out(values, right)
    scaling = fit(values, right)
    found = Calibrated(
        calibration=Calibration(
            made=datetime.now(UTC).date().isoformat(),
            runs=tuple(str(run.path) for run in runs),
            answers=len(samples),
            right=int(right.sum()),
            measure=", ".join(sorted({run.answer_measure for run in runs})),
            signal=samples[0].signal,
            intercept=scaling.intercept,
            slope=scaling.slope,
            before=quality(values, right),
            after=quality(after, right),
            conditions=dict(samples[0].conditions),
        ),
        before=calibration_bins(values.tolist(), right.tolist()),
        after=calibration_bins(after.tolist(), right.tolist()),
        one_for_all=quality(np.full(len(right), right.mean()), right),
        left_out=left_out,
        path=data_dir / FILE,
    )
    if found.better:
        _keep(found)
    return found


def calibrated_json(found: Calibrated) -> dict[str, Any]:
    """For `--json`: the calibration as it is kept, the tables, and whether it was kept."""

    def bins(parts: Iterable[Bin]) -> list[dict[str, float | None]]:
        return [
            {
                "low": part.low,
                "high": part.high,
                "answers": part.n,
                "confidence": part.confidence,
                "right": part.accuracy,
            }
            for part in parts
        ]

    return {
        "kept": found.better,
        "file": str(found.path),
        "fingerprint": found.calibration.fingerprint,
        "calibration": found.calibration.model_dump(mode="json"),
        "one_for_all": found.one_for_all.model_dump(mode="json"),
        "left_out": dict(found.left_out),
        "before": bins(found.before),
        "after": bins(found.after),
    }


def _samples(runs: Sequence[Run]) -> tuple[list[Sample], dict[str, int]]:
    for run in runs:
        if not run.written:
            raise UsageError(f"{run.path} retrieved only, so it holds no answers; run it without --retrieval-only.")
        if not all("gold" in record and (record["error"] is not None or "status" in record) for record in run.records):
            raise UsageError(
                f"{run.path} holds no answers to calibrate on: it is a run of attacks, or of another framework; "
                "name one of `hopcite eval run`."
            )
        if not any(_right(record, run) is not None for record in run.records):
            raise UsageError(
                f"{run.path}: no question has a gold answer, so nothing tells right from wrong; add `answer` to the "
                "lines of the question file and run it again."
            )
    asked = {(run.identity["dataset"], record["id"]): (run, record) for run in runs for record in run.records}
    left_out: Counter[str] = Counter()
    samples: list[Sample] = []
    for run, record in asked.values():
        right = _right(record, run)
        if record["error"] is not None:
            left_out["failed"] += 1
        elif record["status"] == "unanswerable":
            left_out["declined"] += 1
        elif right is None:
            left_out["no gold answer"] += 1
        else:
            samples.append(_sample(record, run, right=right))
    # A writer that once leaves its form gives no likelihood there; that answer would be measured with another ruler.
    if any(sample.signal == "likelihood" for sample in samples):
        known = [sample for sample in samples if sample.signal == "likelihood"]
        left_out["likelihood not known"] = len(samples) - len(known)
        samples = known
    return samples, {why: count for why, count in left_out.items() if count}


def _right(record: Record, run: Run) -> bool | None:
    """Whether the answer is right; None where nobody knows. An answer that the documents do not hold is wrong."""
    known = record["scores"].get(run.answer_measure)
    if known is not None:
        return bool(known)
    return None if record["gold"].get("answerable", True) else False


def _sample(record: Record, run: Run, *, right: bool) -> Sample:
    for event in record.get("trace", ()):
        detail = event["detail"]
        if "signals" in detail:
            signal, value = uncalibrated(Signals(**detail["signals"]))
            return Sample(signal, value, right, detail["conditions"])
    raise UsageError(
        f"{run.path} holds no signals: it was made by an earlier version, or without evidence; run it again into "
        "another folder."
    )


def _check(samples: Sequence[Sample], left_out: Mapping[str, int]) -> None:
    told = "".join(f"; {count} {why}" for why, count in left_out.items())
    if len(samples) < FEWEST:
        raise UsageError(
            f"There are {len(samples)} answers that are known to be right or wrong, and {FEWEST} are the fewest to "
            f"calibrate on{told}; ask more questions."
        )
    right = sum(sample.right for sample in samples)
    for count, kind in ((right, "right"), (len(samples) - right, "wrong")):
        if count < _FEWEST_OF_A_KIND:
            raise UsageError(
                f"Of {len(samples)} answers {count or 'none'} is {kind}, and {_FEWEST_OF_A_KIND} are the fewest to "
                f"calibrate on{told}; ask more questions."
            )
    for sample in samples:
        if changed := differences(samples[0].conditions, sample.conditions):
            raise UsageError(
                f"The answers were made under different conditions ({'; '.join(changed)}); choose one run."
            )


def _keep(found: Calibrated) -> None:
    try:
        found.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OperatorError(f"{found.path.parent} cannot be made ({exc.strerror}); set data_dir.") from exc
    replace_file(found.path, found.calibration.model_dump_json(indent=1) + "\n")
