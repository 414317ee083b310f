"""Question sets to numbers."""

from evals.datasets import NAMES, load_dataset
from evals.runner import FinishedRun, RunProgress, RunRequest, run_evaluation
from evals.summary import render_summary

__all__ = ["NAMES", "FinishedRun", "RunProgress", "RunRequest", "load_dataset", "render_summary", "run_evaluation"]
