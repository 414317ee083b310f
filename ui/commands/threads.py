"""`hopcite threads`: conversations listed, read and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from hopcite.settings_layers import load_settings
from ui.terminal import AsJson, print_json, print_line, print_table, warn

if TYPE_CHECKING:
    from agent import Threads

T = TypeVar("T")
_TITLE_CHARS = 60
app = typer.Typer(name="threads", help="Conversations.", no_args_is_help=True)


@app.callback()
def threads() -> None:
    """A conversation begins with `hopcite ask --thread NAME`."""


@app.command("list")
def list_threads(as_json: AsJson = False) -> None:
    """List the conversations, the one used last first."""
    from ui.api.bodies import ThreadEntry

    rows = [ThreadEntry.from_thread(thread) for thread in _run(lambda threads: threads.all())]
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    elif rows:
        header = ["name", "turns", "collection", "updated", "first question"]
        shown = [[r.name, str(r.turns), r.collection, r.updated_at[:16], r.title[:_TITLE_CHARS]] for r in rows]
        print_table(header, shown)
    else:
        warn("No conversations yet; `hopcite ask --thread NAME QUESTION` begins one.")


@app.command()
def show(name: str = typer.Argument(..., metavar="NAME"), as_json: AsJson = False) -> None:
    """Show a conversation: its questions and their answers."""
    thread = _run(lambda threads: threads.get(name))
    if as_json:
        from ui.api.bodies import ThreadBody

        print_json(ThreadBody.from_thread(thread).model_dump(mode="json"))
    else:
        from ui.text import thread_text

        print_line(thread_text(thread))


@app.command()
def delete(names: list[str] = typer.Argument(..., metavar="NAME ..."), as_json: AsJson = False) -> None:
    """Forget conversations. With an unknown name among them, nothing is deleted."""
    deleted = _run(lambda threads: threads.delete(names))
    if as_json:
        print_json({"deleted": deleted})
    else:
        print_line(f"{deleted} deleted")


def _run(work: Callable[[Threads], Awaitable[T]]) -> T:
    from agent import Threads

    settings = load_settings().settings

    async def opened() -> T:
        threads = Threads(settings)
        try:
            return await work(threads)
        finally:
            await threads.aclose()

    return asyncio.run(opened())
