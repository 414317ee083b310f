"""Run folders as readers see them: finished or not, of this version or an earlier one. Nothing is changed on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evals.manifest import VERSION
from evals.records import Record, read_records
from evals.systems import SYSTEMS
from hopcite.errors import UsageError


@dataclass(frozen=True, slots=True)
class Run:
    """One run with its records, each question once. `name` is for people: short, and different from the others'."""

    name: str
    path: Path
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the run was made of."""
        identity: Mapping[str, Any] = self.manifest["identity"]
        return identity

    @property
    def written(self) -> bool:
        """Whether answers were written, not only passages retrieved."""
        return not self.identity.get("retrieval_only", False)

    @property
    def evidence(self) -> Literal["retrieved", "gold", "none"]:
        """Where the passages came from that the writer read."""
        system = SYSTEMS.get(str(self.identity["system"]))
        return system.evidence if system else "retrieved"

    @property
    def reranked(self) -> bool:
        """Whether something ranked anew what the searches found."""
        return bool(self.manifest["settings"].get("rerank", {}).get("method") != "none")

    @property
    def complete(self) -> bool:
        """Whether the run reached its end."""
        return self.manifest.get("status") == "complete"

    @property
    def answer_measure(self) -> str:
        """The 0/1 measure that says whether an answer is right."""
        return answer_measure(self.records)

    @property
    def correctness(self) -> str:
        """The 0/1 measure that says whether a question went right: of its evidence, where no answer was scored."""
        scored = any(record["scores"].get(self.answer_measure) is not None for record in self.records)
        return self.answer_measure if self.written and scored else "all_evidence@5"


def read_runs(paths: Sequence[Path]) -> list[Run]:
    """Runs over the same questions, under names that tell them apart.

    Raises `UsageError` when a folder is missing, holds no run or no record, or was asked other questions.
    """
    runs = [read_run(path) for path in paths]
    for run in runs[1:]:
        if _questions(run) != _questions(runs[0]):
            raise UsageError(
                f"{run.path} was asked {_told(run)} and {runs[0].path} {_told(runs[0])}; "
                "choose runs over the same file of questions."
            )
    return [replace(run, name=name) for run, name in zip(runs, _names(runs), strict=True)]


def answer_measure(records: Sequence[Record]) -> str:
    """What a run of attacks or MultiHop-RAG calls right where it was measured, else EM."""
    own = (name for name in ("right", "accuracy") if any(name in record["scores"] for record in records))
    return next(own, "em")


def confidence_and_correctness(records: Sequence[Record]) -> tuple[list[float], list[float]]:
    """One confidence and one correctness for every question that was scored: 0 where it failed or was declined.

    Empty where no answer has a confidence: without evidence there is none.
    """
    measure = answer_measure(records)
    known = [record for record in records if record["scores"].get(measure) is not None]
    sure = [float(record.get("confidence") or 0.0) if was_given(record) else 0.0 for record in known]
    return (sure, [float(record["scores"][measure]) for record in known]) if any(sure) else ([], [])


def was_given(record: Record) -> bool:
    """Whether there is an answer: what was declined, or failed, says nothing that a confidence could be of."""
    return record["error"] is None and record.get("status") != "unanswerable"


def calibrated(run: Run) -> str:
    """Whether the run's confidences are `calibrated`, `uncalibrated` or `partly calibrated`; empty in earlier runs."""
    notes = [str(record.get("fingerprint", {}).get("confidence", "")) for record in run.records if not record["error"]]
    told = {"uncalibrated" if "uncalibrated" in note else "calibrated" for note in notes if note}
    return "partly calibrated" if len(told) > 1 else next(iter(told), "")


def seconds_of(record: Record) -> float | None:
    """What the question took; None where it failed or was not timed."""
    total = record.get("usage", {}).get("ms", {}).get("total")
    return None if record["error"] or total is None else float(total) / 1000


def read_run(path: Path) -> Run:
    """One run under its system's name. Raises `UsageError` when the folder is missing, or holds no run or no record."""
    if not path.is_dir():
        raise UsageError(f"There is no folder {path}; name a run's folder, as `hopcite eval run` prints it.")
    manifest = _json(path / "manifest.json")
    if not isinstance(manifest, dict) or not _holds_names(manifest):
        raise UsageError(f"{path} is no run folder: it has no manifest.json of a run.")
    # A folder that was changed by hand may hold a question twice: the later line is what a run would go on with.
    records = {record["id"]: record for record in read_records(path)}
    if not records:
        raise UsageError(f"{path} holds no records yet; let `hopcite eval run` answer some questions first.")
    if isinstance(format_ := manifest["identity"].get("format"), int) and format_ > VERSION:
        raise UsageError(f"{path} was written by a later version of Hopcite (format {format_}); upgrade to read it.")
    if lacking := next((record for record in records.values() if not isinstance(record["scores"], dict)), None):
        raise UsageError(f"{path}: the record of {lacking['id']!r} has no scores; the run is of another version.")
    summary = _json(path / "summary.json")
    notes = summary.get("notes", []) if isinstance(summary, dict) else []
    return Run(str(manifest["identity"]["system"]), path, manifest, tuple(records.values()), tuple(map(str, notes)))


def _holds_names(manifest: Mapping[str, Any]) -> bool:
    identity = manifest.get("identity")
    return (
        isinstance(identity, dict)
        and isinstance(manifest.get("settings"), dict)
        and {"dataset", "split", "questions_sha256", "system"} <= identity.keys()
    )


def _json(path: Path) -> object:
    """None where there is no such file, or no JSON in it."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
    except ValueError:
        return None


def _questions(run: Run) -> tuple[object, ...]:
    return tuple(run.identity[name] for name in ("dataset", "split", "questions_sha256"))


def _told(run: Run) -> str:
    dataset, split, sha256 = _questions(run)
    return f"{dataset} {split} ({str(sha256)[:8]})"


def _names(runs: Sequence[Run]) -> list[str]:
    """The systems' names; where two runs share one, with the folder's; where they share that too, with a number."""
    systems = Counter(run.name for run in runs)
    names = [run.name if systems[run.name] == 1 else f"{run.name} ({run.path.resolve().name})" for run in runs]
    taken = Counter(names)
    return [name if taken[name] == 1 else f"{name} {n}" for n, name in enumerate(names, start=1)]
