"""Reading files of records: JSON Lines, a JSON list, Parquet; plain or gzipped. What is wrong is named by its place."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hopcite.errors import UsageError


class Passage(BaseModel):
    """A passage of a corpus, normalised. This is also a line of `corpus.jsonl`."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    title: str
    text: str = Field(min_length=1)
    sentences: tuple[str, ...] = ()
    source: str | None = None
    author: str | None = None
    published_at: str | None = None
    url: str | None = None


class Evidence(BaseModel):
    """One of MultiHop-RAG's pieces of evidence."""

    model_config = ConfigDict(frozen=True)

    title: str
    fact: str = Field(min_length=1)


class Asked(BaseModel):
    """A question, normalised. This is also a line of `test.jsonl`; its gold is by id or by title."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answer: str
    aliases: tuple[str, ...] = ()
    type: str = ""
    question_type: str = ""
    gold_titles: tuple[str, ...] = ()
    gold_ids: tuple[str, ...] = ()
    supporting_facts: tuple[tuple[str, int], ...] = ()
    evidence_list: tuple[Evidence, ...] = ()
    pool_ids: tuple[str, ...] = ()
    answerable: bool = True


Model = TypeVar("Model", bound=BaseModel)
Row = tuple[str, Any]
"""Where a record stands ("line 3", "item 3"), and the record as JSON has it."""


def rows(path: Path) -> Iterator[Row]:
    """Every record of a file with its place. Empty lines are left out. `UsageError` names file and place."""
    place = "its start"
    try:
        if path.suffix == ".parquet":
            yield from _parquet_rows(path)
            return
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            if path.name.removesuffix(".gz").endswith(".json") and file.read(1).strip() in (b"[", b""):
                file.seek(0)
                yield from _list_rows(json.loads(file.read()), path)
                return
            file.seek(0)
            for number, line in enumerate(file, start=1):
                place = f"line {number}"
                if line.strip():
                    yield place, json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        where = f"line {exc.lineno}" if isinstance(exc, json.JSONDecodeError) and place == "its start" else place
        raise UsageError(f"{path}, {where}: this is no JSON ({exc}); fetch the file again.") from exc
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UsageError(f"{path} is damaged or cut short after {place}; fetch it again.") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def records(rows: Iterable[Row], to: Callable[[Any], Model], path: Path, *, repeated: bool = False) -> Iterator[Model]:
    """Each record by way of `to`. `UsageError` names the place of the first that does not fit.

    Or of the first whose `id` an earlier one has, unless they may be `repeated`.
    """
    first_seen: dict[str, str] = {}
    for place, row in rows:
        with naming(path, place):
            record = to(row)
        id_ = getattr(record, "id", None)
        if id_ is not None and not repeated and first_seen.setdefault(id_, place) != place:
            raise UsageError(f"{path}, {place}: the id {id_!r} is that of {first_seen[id_]}.")
        yield record


@contextmanager
def naming(path: Path, place: str) -> Iterator[None]:
    """Say where in the file a record is wrong, and in which field."""
    try:
        yield
    except ValidationError as exc:
        problem = exc.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        raise UsageError(f"{path}, {place}: {f'{field}: ' if field else ''}{problem['msg']}.") from exc
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        what = f"{exc.args[0]!r} is missing" if isinstance(exc, KeyError) else str(exc)
        raise UsageError(f"{path}, {place}: this is no record of that data set ({what}).") from exc


def sha256(path: Path) -> str:
    """Of a file as it lies on disk."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _list_rows(value: object, path: Path) -> Iterator[Row]:
    if not isinstance(value, list):
        raise UsageError(f"{path} holds no list of records; the official file is one JSON list.")
    for number, item in enumerate(value, start=1):
        yield f"item {number}", item


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet
    except ImportError as exc:
        raise UsageError(
            f"{path} is Parquet, which needs pyarrow: pip install 'hopcite[parquet]', or use the JSON file."
        ) from exc
    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowException) as exc:
        raise UsageError(f"{path} is no Parquet file ({exc}); fetch it again.") from exc
    for number, item in enumerate(table.to_pylist(), start=1):
        yield f"row {number}", item
