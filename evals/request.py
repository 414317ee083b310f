"""What to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evals.asking import Pool
from evals.datasets import custom as own
from evals.systems import System
from hopcite.errors import UsageError

Executor = Literal["local", "ray"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to measure. `data` is the folder of the data set; `out` the run's folder, by default in the data folder."""

    dataset: str
    data: Path | None = None
    split: str = "test"
    system: str = "default"
    limit: int | None = None
    seed: int | None = None
    pool: Pool = "open"
    concurrency: int = 1
    executor: Executor = "local"
    cache: bool = True
    out: Path | None = None
    retrieval_only: bool = False
    without_gold: bool = False
    """Leave the gold documents out of the corpus, so that to abstain is right."""


def check_request(request: RunRequest, system: System) -> None:
    """Raise `UsageError` for what can't be measured together."""
    if request.retrieval_only and system.evidence != "retrieved":
        raise UsageError(f"The system {request.system} retrieves nothing; leave out --retrieval-only.")
    if not request.without_gold:
        return
    if request.dataset == own.NAME:
        raise UsageError("Your own questions are asked of the collection as it is; leave out --without-gold.")
    if request.retrieval_only or system.evidence != "retrieved":
        raise UsageError(
            "Without the gold documents there are answers alone to score, from what a search finds; leave out "
            "--without-gold."
        )
