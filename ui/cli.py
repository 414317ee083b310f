"""The `hopcite` command. Errors become one line on stderr and an exit status, here and nowhere else."""

from __future__ import annotations

import io
import sys

import typer
from typer.exceptions import TyperException

from hopcite.errors import HopciteError
from ui.commands import (
    config,
    doctor,
    documents,
    evaluation,
    mcp,
    models,
    questions,
    rerank_bench,
    rerank_heads,
    serve,
    threads,
    why,
)

INTERRUPTED = 130
_BROKEN_PIPE = 141

app = typer.Typer(
    name="hopcite",
    help="Answers to questions over several of your documents, every claim tied to the exact words that support it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    documents.ingest,
    questions.search,
    questions.ask,
    why.why,
    serve.serve,
    mcp.mcp,
    doctor.doctor,
    rerank_bench.rerank_bench,
    rerank_heads.rerank_heads,
):
    app.command()(command)
app.add_typer(models.app)
app.add_typer(documents.app)
app.add_typer(threads.app)
app.add_typer(evaluation.app)
app.add_typer(config.app)


def main() -> None:
    """Run the command line and leave with its status: 0 done, 1 failed, 2 wrong call or settings, 3 a part is away."""
    for stream in (sys.stdout, sys.stderr):
        # JSON is UTF-8 wherever it goes, and documents hold characters that the code page of a system may not have.
        # The bytes of a file's name may be no UTF-8: they are written as \udce9, and end nothing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        status = app(arguments, prog_name="hopcite", standalone_mode=False)
        sys.stdout.flush()
    except HopciteError as exc:
        return _failed(str(exc), exc.exit_status)
    except TyperException as exc:
        problem = exc.format_message().replace("Value error, ", "", 1).rstrip(".")  # the words of what checks options
        return _failed(f"{problem}. See hopcite --help.", 2)
    except (KeyboardInterrupt, typer.Abort):
        return _failed("Interrupted.", INTERRUPTED)
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return _BROKEN_PIPE
    return status if isinstance(status, int) else 0


def _failed(line: str, status: int) -> int:
    sys.stderr.write(f"hopcite: {line}\n")
    return status
