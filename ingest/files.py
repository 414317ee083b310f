"""Which files a person means who names files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hopcite.errors import UsageError
from ingest.readers import SUFFIXES


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, and all supported ones below folders, by name; hidden ones are left out.

    A file given by name is taken whatever its suffix. A folder that may not be read stands in the list itself, so that
    whoever reads the files reports it. Raises `UsageError` when a path does not exist or there is none.
    """
    files: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                files += sorted(_below(path))
            elif path.is_file():
                files.append(path)
            else:
                raise UsageError(f"No such file or folder: {path}")
        except OSError as exc:
            raise UsageError(f"{str(path)[:200]} cannot be read: {exc.strerror}.") from exc
    if not files:
        raise UsageError(
            f"Nothing to ingest: no {', '.join(SUFFIXES)} file in {', '.join(map(str, paths)) or 'no path'}."
        )
    return list(dict.fromkeys(files))


def _below(folder: Path) -> Iterator[Path]:
    """Not through links to folders, which may lead in a circle."""
    closed: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and (found := Path(parent, name)).is_file():
                yield found
    yield from (Path(exc.filename) for exc in closed)
