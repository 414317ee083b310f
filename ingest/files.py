"""Which files a person means who names files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hopcite.errors import UsageError
from ingest.readers import SUFFIXES


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, and all supported ones below folders, by name; hidden ones are left out.

    A file given by name is taken whatever its suffix. Raises `UsageError` when a path does not exist or there is none.
    """
    files: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                below = sorted(found for found in path.rglob("*") if found.is_file() and not _hidden(found, path))
                files += [found for found in below if found.name.lower().endswith(SUFFIXES)]
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


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
