"""Question sets to numbers."""

from evals.datasets import NAMES, load_dataset
from evals.rerank_bench import BenchRequest, render_rows, run_rerank_bench, write_rows
from evals.runner import FinishedRun, RunProgress, RunRequest, run_evaluation
from evals.summary import render_summary

__all__ = [
    "NAMES",
    "BenchRequest",
    "FinishedRun",
    "RunProgress",
    "RunRequest",
    "load_dataset",
    "render_rows",
    "render_summary",
    "run_evaluation",
    "run_rerank_bench",
    "write_rows",
]
