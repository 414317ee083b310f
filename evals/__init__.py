"""Question sets to numbers."""

from evals.datasets import NAMES, load_dataset
from evals.request import RunRequest
from evals.rerank_bench import BenchRequest, render_rows, run_rerank_bench, write_rows
from evals.rerank_heads import HeadsRequest, run_rerank_heads
from evals.rerank_plot import PLOT_COSTS, render_plot
from evals.runner import FinishedRun, RunProgress, run_evaluation
from evals.summary import render_summary
from evals.sweep import render_sweep, run_sweep

__all__ = [
    "NAMES",
    "PLOT_COSTS",
    "BenchRequest",
    "FinishedRun",
    "HeadsRequest",
    "RunProgress",
    "RunRequest",
    "load_dataset",
    "render_plot",
    "render_rows",
    "render_summary",
    "render_sweep",
    "run_evaluation",
    "run_rerank_bench",
    "run_rerank_heads",
    "run_sweep",
    "write_rows",
]
