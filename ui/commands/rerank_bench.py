"""`hopcite rerank-bench`: rerankers side by side on the same lists."""

from __future__ import annotations

from pathlib import Path

import typer

from hopcite.errors import UsageError
from hopcite.settings_layers import load_settings
from ui.terminal import Bar, check_writable, print_line


def rerank_bench(
    data: Path = typer.Option(..., help="Folder with candidates.jsonl[.gz], or that of a multi-hop data set."),
    methods: str | None = typer.Option(
        None, metavar="A,B,...", help="By default none, letters and the method that is set; an unknown one lists them."
    ),
    limit: int | None = typer.Option(None, help="At most so many queries."),
    passages: int | None = typer.Option(None, min=1, help="Passages of each that are reranked: rerank.passages."),
    split: str = typer.Option("dev", help="Which questions of a multi-hop data set."),
    out: Path | None = typer.Option(None, metavar="FILE", help="Write the rows there as JSON, too."),
    plot: Path | None = typer.Option(None, metavar="FILE", help="Draw quality against cost there, as SVG."),
    cost: str = typer.Option("seconds", help="What the plot's cost is: seconds, cpu_seconds, prompt_tokens or calls."),
) -> None:
    """Rerank the same lists by several methods; show quality with 95% intervals, and cost."""
    settings = load_settings().settings
    from evals import PLOT_COSTS, BenchRequest, render_plot, render_rows, run_rerank_bench, write_rows
    from evals.records import replace_file

    for flag, file in (("--out", out), ("--plot", plot)):
        if file is not None:
            check_writable(file, flag)
    if cost not in PLOT_COSTS:
        raise UsageError(f"--cost is one of {', '.join(PLOT_COSTS)}; it was {cost}.")
    request = BenchRequest(
        data=data,
        methods=tuple(name.strip() for name in (methods or "").split(",") if name.strip()),
        split=split,
        limit=limit,
        passages=passages,
    )
    with Bar("Reranking", unit="") as bar:
        rows = run_rerank_bench(
            request,
            settings=settings,
            progress=lambda what, done, total: bar.set(done, total, label=what),
            on_rows=lambda rows: None if out is None else write_rows(out, rows),
        )
    if plot is not None:
        replace_file(plot, render_plot(rows, cost=cost))
    print_line(render_rows(rows))
