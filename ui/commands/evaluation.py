"""`hopcite eval`: question sets to numbers."""

from __future__ import annotations

from pathlib import Path

import typer

from hopcite.settings import load_settings
from ui.commands import later
from ui.terminal import AsJson, Bar, print_json, print_line

app = typer.Typer(name="eval", help="Measure on question sets.", no_args_is_help=True)


@app.callback()
def evaluation() -> None:
    """Every figure comes from the records of a run folder, one line per question."""


@app.command()
def run(
    dataset: str = typer.Argument(..., metavar="DATASET", help="hotpotqa, 2wikimultihopqa, musique or multihop-rag."),
    data: Path | None = typer.Option(None, help="Folder with corpus.jsonl[.gz] and SPLIT.jsonl[.gz]."),
    split: str = typer.Option("test", help="Which questions."),
    system: str = typer.Option("default", help="Which system; an unknown one lists them."),
    limit: int | None = typer.Option(None, help="At most so many questions."),
    seed: int | None = typer.Option(None, help="Draw the questions in an order of this seed."),
    concurrency: int = typer.Option(1, min=1, help="Questions under way at once."),
    out: Path | None = typer.Option(None, help="The run's folder; a run that was stopped there goes on."),
    retrieval_only: bool = typer.Option(False, "--retrieval-only", help="Stop after reranking; no model writes."),
) -> None:
    """Ask a data set's questions and score the answers. Run the same command again to go on with what is missing."""
    settings = load_settings().settings
    from evals import RunRequest, render_summary, run_evaluation

    request = RunRequest(
        dataset=dataset,
        data=data,
        split=split,
        system=system,
        limit=limit,
        seed=seed,
        concurrency=concurrency,
        out=out,
        retrieval_only=retrieval_only,
    )
    with Bar("Evaluating", unit="") as bar:
        finished = run_evaluation(
            request,
            settings=settings,
            progress=lambda now: bar.set(now.done, now.total, label=now.stage, note=now.note),
        )
    print_line(render_summary(finished.summary))
    print_line(f"\n{finished.folder}")


@app.command()
def compare(
    run_a: Path = typer.Argument(..., metavar="RUN_A", help="A run's folder."),
    run_b: Path = typer.Argument(..., metavar="RUN_B", help="Another run over the same questions."),
    as_json: AsJson = False,
) -> None:
    """Say whether run B does better than run A on the questions of both, how sure that is, and which ones flipped."""
    from evals.compare import compare_folders, comparison_json
    from evals.compare_text import render_comparison

    found = compare_folders(run_a, run_b)
    if as_json:
        print_json(comparison_json(found))
    else:
        print_line(render_comparison(found))


@app.command()
def report(
    runs: list[Path] = typer.Argument(..., metavar="RUN ...", help="Folders of runs over the same questions."),
    html: Path = typer.Option(..., metavar="FILE", help="The page to write; it needs nothing beside it."),
) -> None:
    """Write one page with the runs' tables, plots and questions; the runs are compared with the first one."""
    from evals.report import write_report

    print_line(str(write_report(runs, html)))


later.announce(app, "sweep", "calibrate")
