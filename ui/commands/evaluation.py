"""`hopcite eval`: question sets to numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hopcite.settings import Mode
from hopcite.settings_layers import load_settings
from ui.terminal import AsJson, Bar, print_json, print_line

app = typer.Typer(name="eval", help="Measure on question sets.", no_args_is_help=True)

Dataset = Annotated[
    str, typer.Argument(metavar="DATASET", help="hotpotqa, 2wikimultihopqa, musique, multihop-rag, or custom.")
]
Data = Annotated[
    Path | None, typer.Option(help="The data set's folder or official file; for custom, the file of your questions.")
]
Split = Annotated[str, typer.Option(help="Which questions.")]
Limit = Annotated[int | None, typer.Option(help="At most so many questions.")]
Seed = Annotated[int | None, typer.Option(help="Draw the questions in an order of this seed.")]
Pool = Annotated[
    Literal["open", "distractor"],
    typer.Option(help="Search the whole corpus, or only the documents that the data set hands out with a question."),
]
Concurrency = Annotated[int, typer.Option(min=1, help="Questions under way at once; with Ray, workers.")]
Executor = Annotated[Literal["local", "ray"], typer.Option(help="Ask in this process, or on a Ray cluster.")]
Cache = Annotated[bool, typer.Option("--cache/--no-cache", help="Take model replies of earlier runs from disk.")]
RetrievalOnly = Annotated[bool, typer.Option("--retrieval-only", help="Stop after reranking; no model writes.")]
WithoutGold = Annotated[
    bool, typer.Option("--without-gold", help="Leave the gold documents out of the corpus: to abstain is then right.")
]
Collection = Annotated[str | None, typer.Option(help="For custom: the collection that the questions are about.")]


@app.callback()
def evaluation() -> None:
    """Every figure comes from the records of a run folder, one line per question."""


@app.command()
def run(
    dataset: Dataset,
    data: Data = None,
    split: Split = "test",
    system: Annotated[str, typer.Option(help="Which system; an unknown one lists them.")] = "default",
    limit: Limit = None,
    seed: Seed = None,
    pool: Pool = "open",
    concurrency: Concurrency = 1,
    executor: Executor = "local",
    cache: Cache = True,
    out: Annotated[Path | None, typer.Option(help="The run's folder; a run that was stopped there goes on.")] = None,
    retrieval_only: RetrievalOnly = False,
    without_gold: WithoutGold = False,
    collection: Collection = None,
) -> None:
    """Ask a data set's questions and score the answers. Run the same command again to go on with what is missing."""
    settings = load_settings(flags={"collection": collection}).settings
    from evals import RunRequest, render_summary, run_evaluation

    request = RunRequest(
        dataset=dataset,
        data=data,
        split=split,
        system=system,
        limit=limit,
        seed=seed,
        pool=pool,
        concurrency=concurrency,
        executor=executor,
        cache=cache,
        out=out,
        retrieval_only=retrieval_only,
        without_gold=without_gold,
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
def sweep(
    dataset: Dataset,
    systems: Annotated[str, typer.Option(help="Their names, with commas between them.")],
    data: Data = None,
    split: Split = "test",
    limit: Limit = None,
    seed: Seed = None,
    pool: Pool = "open",
    concurrency: Concurrency = 1,
    executor: Executor = "local",
    cache: Cache = True,
    out: Annotated[Path | None, typer.Option(help="The folder in which each system gets its run folder.")] = None,
    retrieval_only: RetrievalOnly = False,
    without_gold: WithoutGold = False,
    collection: Collection = None,
) -> None:
    """Run several systems on the same questions. A reply that two of them ask for is paid once."""
    settings = load_settings(flags={"collection": collection}).settings
    from evals import RunRequest, render_sweep, run_sweep

    names = [name.strip() for name in systems.split(",") if name.strip()]
    request = RunRequest(
        dataset=dataset,
        data=data,
        split=split,
        limit=limit,
        seed=seed,
        pool=pool,
        concurrency=concurrency,
        executor=executor,
        cache=cache,
        out=out,
        retrieval_only=retrieval_only,
        without_gold=without_gold,
    )
    with Bar("Evaluating", unit="") as bar:
        runs = run_sweep(
            request,
            names,
            settings=settings,
            progress=lambda now: bar.set(now.done, now.total, label=now.stage, note=now.note),
        )
    print_line(render_sweep(runs))
    print_line("\n" + "\n".join(str(run.folder) for run in runs))


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run's folder.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another run over the same questions.")],
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
def attacks(
    kinds: Annotated[
        str, typer.Option(help="Kinds of attack, with commas between them; an unknown one lists them.")
    ] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many attacks, of each kind in turn.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; a run that was stopped there goes on.")] = None,
    undefended: Annotated[bool, typer.Option("--undefended", help="With answer.defences off.")] = False,
    mode: Annotated[Mode | None, typer.Option(help="When to split the question, as for `hopcite ask`.")] = None,
    screening_only: Annotated[
        bool, typer.Option("--screening-only", help="Ask nothing; count the attacks that the screening lets through.")
    ] = False,
    cache: Cache = True,
) -> None:
    """Ask questions of documents that were made to do harm, and count how often they do."""
    settings = load_settings().settings
    from evals.attacks import AttackRequest, exposure, render_attacks, render_exposure, run_attacks

    names = tuple(name.strip() for name in kinds.split(",") if name.strip())
    if screening_only:
        print_line(render_exposure(exposure(kinds=names, limit=limit)))
        return
    request = AttackRequest(names, limit, not undefended, cache, out, mode)
    with Bar("Attacking", unit="") as bar:
        finished = run_attacks(
            request, settings=settings, progress=lambda done, total: bar.set(done, total, label="Attacking")
        )
    print_line(render_attacks(finished.summary))
    print_line(f"\n{finished.folder}")


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN ...", help="Folders of runs over the same questions.")],
    html: Annotated[Path, typer.Option(metavar="FILE", help="The page to write; it needs nothing beside it.")],
) -> None:
    """Write one page with the runs' tables, plots and questions; the runs are compared with the first one."""
    from evals.report import write_report

    print_line(str(write_report(runs, html)))


@app.command()
def calibrate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN ...", help="Folders of runs whose answers are known.")],
    as_json: AsJson = False,
) -> None:
    """Fit the confidence to known answers. It is kept, and used from then on, if it is better on answers held out."""
    data_dir = load_settings().settings.data_dir
    from evals.calibrate import calibrate as fit
    from evals.calibrate import calibrated_json
    from evals.calibrate_text import render_calibrated

    found = fit(runs, data_dir=data_dir)
    if as_json:
        print_json(calibrated_json(found))
    else:
        print_line(render_calibrated(found))
