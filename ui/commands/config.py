"""`hopcite config`: which settings are in force, and why."""

from __future__ import annotations

from typing import Any

import typer

from hopcite.settings_layers import LoadedSettings, load_settings
from ui.terminal import AsJson, print_json, print_table

app = typer.Typer(name="config", help="The settings in force.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Settings come from hopcite.toml, then HOPCITE_* environment variables, then flags; later wins."""


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show every setting and where its value came from."""
    rows = settings_rows(load_settings())
    if as_json:
        print_json({row["name"]: {"value": row["value"], "origin": row["origin"]} for row in rows})
    else:
        print_table(["setting", "value", "from"], [[row["name"], _shown(row["value"]), row["origin"]] for row in rows])


def settings_rows(loaded: LoadedSettings) -> list[dict[str, Any]]:
    """Dotted name, value and origin of each setting; secrets masked."""
    tree = loaded.settings.model_dump(mode="json")
    rows = []
    for name, origin in loaded.origins.items():
        value: Any = tree
        for part in name.split("."):
            value = value[part]
        rows.append({"name": name, "value": value, "origin": origin})
    return rows


def _shown(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
