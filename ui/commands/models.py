"""`hopcite models`: what the catalogue has, and fetching it."""

from __future__ import annotations

import typer

from hopcite.errors import HopciteError, ModelFileError
from hopcite.models import CATALOGUE, ModelEntry, entry, model_path, pull
from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from ui.terminal import Bar, print_line, print_table

app = typer.Typer(name="models", help="The catalogue of models.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """A model counts as present only when its file has the catalogue's sha256."""


@app.command("list")
def list_models() -> None:
    """List the catalogue, and what of it is here."""
    settings = load_settings().settings
    rows = [
        [model.id, model.kind, model.licence, _size(model), _state(settings, model), model.note]
        for model in CATALOGUE.values()
    ]
    print_table(["id", "kind", "licence", "size", "state", "note"], rows)


@app.command("pull")
def pull_models(ids: list[str] = typer.Argument(None, metavar="[ID ...]")) -> None:
    """Fetch models, by default those that the settings use. What is here already is not fetched again."""
    settings = load_settings().settings
    wanted = [entry(name) for name in (ids or used(settings))]
    for model in wanted:
        with Bar(model.id, unit="bytes") as bar:
            path = pull(settings, model.id, progress=bar.set)
        print_line(f"{model.id}: {path}")


def used(settings: Settings) -> list[str]:
    """Catalogue ids of the models that run in this process."""
    names = [settings.encoder.model]
    if settings.llm.base_url is None:
        names.append(settings.llm.model)
    if "attention" in settings.rerank.methods:
        names.append(settings.rerank.model)
    return [name for name in dict.fromkeys(names) if name in CATALOGUE]


def _size(model: ModelEntry) -> str:
    return "" if model.size is None else f"{model.size / 1e6:,.0f} MB"


def _state(settings: Settings, model: ModelEntry) -> str:
    if model.file is None:
        return "on servers"
    try:
        model_path(settings, model.id)
    except ModelFileError as exc:
        return "corrupt" if "corrupt" in str(exc) else "not here"
    except HopciteError as exc:
        return str(exc)
    return "here"
