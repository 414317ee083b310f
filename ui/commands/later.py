"""Commands that are promised and not there yet: they say so."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hopcite.errors import UsageError

_ANY_ARGUMENTS = {"ignore_unknown_options": True, "allow_extra_args": True}


def announce(app: typer.Typer, *names: str) -> None:
    """List `names` among the commands of `app`. Called, with whatever arguments, they end with status 2."""
    for name in names:
        app.command(name, help="Not in this version yet.", context_settings=_ANY_ARGUMENTS)(_refusal(name))


def _refusal(name: str) -> Callable[[typer.Context], None]:
    def refuse(context: typer.Context) -> None:
        raise UsageError(f"`{context.command_path}` is not in this version yet.")

    refuse.__name__ = name.replace("-", "_")
    return refuse
