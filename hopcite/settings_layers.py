"""Reading the settings, layer by layer.

Later wins: defaults, `hopcite.toml` in the working folder (or the file that `HOPCITE_CONFIG` names), `HOPCITE_*`
environment variables (`HOPCITE_LLM__BASE_URL` is `llm.base_url`), command-line flags. An unknown name in any layer is
an error, so a misspelt setting is never ignored.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hopcite.errors import SettingsError
from hopcite.settings import Settings

PREFIX = "HOPCITE_"
# Read by the loader itself, and by the tests.
_CONFIG, _TEST_PREFIX = "HOPCITE_CONFIG", "HOPCITE_TEST_"


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force, and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted name to "default", a file's name, "environment HOPCITE_…" or "flag"."""


def load_settings(
    *, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> LoadedSettings:
    """Read every layer and check the result.

    `flags` maps dotted names (`answer.mode`) to values; a value of None was not given. Raises `SettingsError` with one
    line that names the setting, its layer and what is allowed.
    """
    environ = os.environ if environ is None else environ
    config = Path(environ[_CONFIG]) if _CONFIG in environ else (folder or Path()) / "hopcite.toml"
    values: dict[str, Any] = {}
    known = [name for name, _ in _leaves(Settings().model_dump())]
    origins = dict.fromkeys(known, "default")
    for layer, origin in (
        (_toml_layer(config, required=_CONFIG in environ), config.name),
        (_env_layer(environ), "environment"),
        ({name: value for name, value in (flags or {}).items() if value is not None}, "flag"),
    ):
        for name, value in layer.items():
            _put(values, name, value)
            origins[name] = f"environment {_env_name(name)}" if origin == "environment" else origin
    try:
        # What else has an origin is a section in which nothing is set.
        return LoadedSettings(Settings.model_validate(values), {name: origins[name] for name in known})
    except ValidationError as exc:
        raise SettingsError(_first_problem(exc, origins)) from exc


def _toml_layer(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise SettingsError(f"HOPCITE_CONFIG names {path}, which is no file; correct or unset it.")
        return {}
    try:
        return dict(_leaves(tomllib.loads(path.read_text(encoding="utf-8-sig"))))  # editors of Windows write a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} is not valid TOML: {exc}.") from exc
    except OSError as exc:
        raise SettingsError(f"{path} cannot be read: {exc.strerror}.") from exc


def _env_layer(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): value
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name != _CONFIG and not name.startswith(_TEST_PREFIX)
    }


def _env_name(name: str) -> str:
    return PREFIX + name.replace(".", "__").upper()


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; an empty table is a value, so that its name is checked, too."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _put(tree: dict[str, Any], name: str, value: object) -> None:
    *sections, leaf = name.split(".")
    for section in sections:
        below = tree.setdefault(section, {})
        if not isinstance(below, dict):
            raise SettingsError(f"The setting {section!r} is a single value, so {name!r} does not exist.")
        tree = below
    tree[leaf] = value


def _first_problem(exc: ValidationError, origins: Mapping[str, str]) -> str:
    problem = exc.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    if name not in origins:  # an unknown section: name what was set in it
        name = next((known for known in origins if known.startswith(f"{name}.")), name)
    where = origins.get(name, "settings")
    if problem["type"] == "extra_forbidden":
        return f"Unknown setting {name!r} ({where}); `hopcite config show` lists the known ones."
    was = "" if name.endswith("api_key") or name == "threads.url" else f"; it was {problem['input']!r}"
    return f"The setting {name!r} ({where}) is wrong: {problem['msg'].removeprefix('Value error, ')}{was}."
