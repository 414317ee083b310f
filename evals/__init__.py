"""Question sets to numbers."""

from evals.datasets import NAMES, load_dataset
from evals.runner import FinishedRun, RunProgress, RunRequest, run_evaluation
from evals.summary import render_summary
from evals.sweep import render_sweep, run_sweep

__all__ = [
    "NAMES",
    "FinishedRun",
    "RunProgress",
    "RunRequest",
    "load_dataset",
    "render_summary",
    "render_sweep",
    "run_evaluation",
    "run_sweep",
]
