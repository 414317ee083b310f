"""`hopcite rerank-heads`: which attention heads find what a question needs."""

from __future__ import annotations

from pathlib import Path

import typer

from hopcite.settings_layers import load_settings
from ui.terminal import Bar, check_writable, print_line


def rerank_heads(
    data: Path = typer.Option(..., help="Folder with candidates.jsonl[.gz], or that of a multi-hop data set."),
    out: Path = typer.Option(..., metavar="FILE", help="Where the heads go; rerank.heads then names this file."),
    split: str = typer.Option("dev", help="Which questions of a multi-hop data set. Don't measure on the same ones."),
    limit: int = typer.Option(40, min=1, help="At most so many questions."),
    top: int = typer.Option(16, min=1, help="Heads to keep."),
) -> None:
    """Pick the heads of rerank.model whose attention goes to the relevant passages (QRHead)."""
    settings = load_settings().settings
    from evals import HeadsRequest, run_rerank_heads
    from evals.records import replace_file

    check_writable(out, "--out")
    request = HeadsRequest(data=data, split=split, limit=limit, top=top)
    with Bar("Picking heads", unit="") as bar:
        text = run_rerank_heads(
            request, settings=settings, progress=lambda what, done, total: bar.set(done, total, label=what)
        )
    replace_file(out, text)
    print_line(f"{top} heads of {settings.rerank.model} in {out}; HOPCITE_RERANK__HEADS={out} reads them.")
