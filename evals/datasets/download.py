"""The official files by name, from where they are published; what cannot be fetched says what to fetch by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from hopcite.errors import OperatorError, UsageError

_CONNECT_S = 5.0
_READ_S = 30.0
_PIECE = 1 << 20
_HIPPORAG = "https://huggingface.co/datasets/osunlp/HippoRAG_2/resolve/main"
_MULTIHOP_RAG = "https://huggingface.co/datasets/yixuantt/MultiHopRAG/resolve/main"

OnBytes = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Source:
    """What to fetch for a data set, and the split that it holds."""

    files: tuple[str, ...]
    split: str
    terms: str


SOURCES: Mapping[str, Source] = {
    "hotpotqa": Source(
        ("http://curtis.ml.cmu.edu/datasets/hotpot/hotpot_dev_distractor_v1.json",), "dev", "CC BY-SA 4.0"
    ),
    "2wikimultihopqa": Source(
        (f"{_HIPPORAG}/2wikimultihopqa.json", f"{_HIPPORAG}/2wikimultihopqa_corpus.json"), "dev", "Apache-2.0"
    ),
    "musique": Source((f"{_HIPPORAG}/musique.json", f"{_HIPPORAG}/musique_corpus.json"), "dev", "CC BY 4.0"),
    "multihop-rag": Source(
        (f"{_MULTIHOP_RAG}/MultiHopRAG.json", f"{_MULTIHOP_RAG}/corpus.json"), "test", "ODC-BY; texts of publishers"
    ),
}
"""Full files: HotpotQA's distractor development set, HippoRAG's 1,000 questions of 2Wiki and MuSiQue, MultiHop-RAG."""


def fetch_dataset(name: str, folder: Path, *, progress: OnBytes, sources: Mapping[str, Source] = SOURCES) -> Path:
    """Fetch what is not there yet into `folder`, and return it. A file appears under its name only when it is whole.

    `UsageError` lists the addresses, for a machine that cannot reach them.
    """
    source = sources[name]
    for url in source.files:
        path = folder / url.rpartition("/")[2]
        if not path.is_file():
            try:
                _download(url, path, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as exc:
                raise UsageError(
                    f"{name} cannot be fetched from {url} ({type(exc).__name__}). On a machine that can, download "
                    f"{', '.join(source.files)}; put them into one folder and name it with --data."
                ) from exc
    return folder


def _download(url: str, path: Path, progress: OnBytes) -> None:
    beside = path.with_name(path.name + ".partial")
    timeout = httpx.Timeout(_READ_S, connect=_CONNECT_S)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=timeout) as response,
            beside.open("wb") as file,
        ):
            response.raise_for_status()
            total = int(response.headers["content-length"]) if "content-length" in response.headers else None
            done = 0
            for piece in response.iter_bytes(_PIECE):
                file.write(piece)
                done += len(piece)
                progress(done, total)
        beside.replace(path)
    except OSError as exc:
        raise OperatorError(f"{path} cannot be written ({exc.strerror or exc}); check the data folder.") from exc
    finally:
        beside.unlink(missing_ok=True)
