"""What a run was made of: everything that could change its figures, and the machine that it ran on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from evals.datasets import Dataset
from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE
from hopcite.settings import RerankSettings, Settings
from retrieval.rerank.choice import engine_of

VERSION = 2
"""Of the run folder's format."""
_NOT_OWN = {None, "chat"}  # what a reranking method runs on that reads no `rerank.model`
_ROOT = Path(__file__).resolve().parent.parent
# The packages whose code can change a record. The doors (ui) only show it.
CODE = ("agent", "evals", "hopcite", "ingest", "retrieval")
LIBRARIES = (
    *("torch", "transformers", "sentence-transformers", "xllamacpp"),
    *("qdrant-edge-py", "qdrant-client", "langgraph"),
)
"""Those whose versions can change a record."""


def identity(
    dataset: Dataset,
    settings: Settings,
    *,
    encoder: str,
    system: str,
    seed: int | None,
    pool: str,
    retrieval_only: bool,
    calibration: str | None,
) -> dict[str, Any]:
    """What must be equal for a run to go on: data, settings, models and code. Not the limit: a run may be extended."""
    return {
        "format": VERSION,
        "dataset": dataset.name,
        "split": dataset.split,
        "corpus_sha256": dataset.corpus_sha256,
        "questions_sha256": dataset.questions_sha256,
        "system": system,
        "seed": seed,
        "pool": pool,
        "retrieval_only": retrieval_only,
        "calibration": calibration,
        "settings_fingerprint": settings.fingerprint(),
        "collection_fingerprint": collection_fingerprint(dataset, settings, encoder=encoder),
        "encoder": encoder,
        "models": models(settings),
        "code_sha256": sources_sha256(*CODE),
    }


def fingerprint(identity: Mapping[str, Any]) -> str:
    """12 hex digits over an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def collection_fingerprint(dataset: Dataset, settings: Settings, *, encoder: str) -> str:
    """12 hex digits over what decides the collection's chunks and vectors."""
    parts = (dataset.corpus_sha256, encoder, settings.chunking.model_dump_json())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def masked(settings: Settings) -> dict[str, Any]:
    """The settings without their secrets."""
    return settings.model_dump(mode="json")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The leaves in which two manifests' identities and settings differ, as `name: old, now new`.

    A changed settings fingerprint is told by the settings that changed.
    """
    before, now = dict(leaves(old["identity"])), dict(leaves(new["identity"]))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if "settings_fingerprint" in names:
        before, now = ({**found, **dict(leaves(m["settings"]))} for found, m in ((before, old), (now, new)))
        names = [n for n in {**before, **now} if before.get(n) != now.get(n) and counts(n)] or names
    return [f"{name}: {_shown(before.get(name))}, now {_shown(now.get(name))}" for name in names]


def counts(name: str) -> bool:
    """Whether a leaf of settings or identity can change a figure, and doesn't only sum up others."""
    return not name.startswith(
        (
            *("data_dir", "model_dir", "server.", "telemetry.", "llm.api_key", "llm.base_url", "qdrant."),
            *("rerank.api_key", "rerank.base_url", "settings_fingerprint"),
        )
    )


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested mappings under their dotted names."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def machine() -> dict[str, Any]:
    """Where the run took place."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: installed(name) for name in LIBRARIES},
    }


def code_version() -> dict[str, Any]:
    """The package's version and, in a checkout, the commit."""
    return {"version": installed("hopcite"), "commit": _git("rev-parse", "HEAD")}


@cache
def sources_sha256(*names: str) -> str:
    """Over these Python files, and those in these folders: says more than the commit where files were changed since."""
    digest = hashlib.sha256()
    given = [_ROOT / name for name in names]
    for path in sorted(path for one in given for path in ([one] if one.is_file() else one.rglob("*.py"))):
        digest.update(f"{path.relative_to(_ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def models(settings: Settings) -> dict[str, dict[str, str | None]]:
    """The models that the settings use, by job, and the file of attention heads.

    `sha256` where the catalogue knows it; None for what a server holds. Raises `SettingsError` without the file.
    """
    llm, rerank = settings.llm, settings.rerank
    used = {"llm": (llm.model, llm.base_url is None), "encoder": (settings.encoder.model, True)}
    if engines := {engine_of(method, rerank) for method in rerank.methods if method != "late-interaction"} - _NOT_OWN:
        used["reranker"] = (rerank.model, "in-process" in engines)
    found = {
        job: {"id": model, "sha256": catalogue_sha256(model) if here else None} for job, (model, here) in used.items()
    }
    if digest := heads_sha256(rerank):
        found["heads"] = {"id": str(rerank.heads), "sha256": digest}
    return found


def catalogue_sha256(model: str) -> str | None:
    """Of the model's file; None for a model of which the catalogue keeps none."""
    entry = CATALOGUE.get(model)
    return entry.file.sha256 if entry and entry.file else None


def heads_sha256(rerank: RerankSettings) -> str | None:
    """Of the file of attention heads, where it is read. Raises `SettingsError` when it can't be."""
    if rerank.heads is None or "attention" not in rerank.methods:
        return None
    try:
        return hashlib.sha256(rerank.heads.read_bytes()).hexdigest()
    except OSError as exc:
        why = exc.strerror or exc
        raise SettingsError(
            f"rerank.heads {rerank.heads} cannot be read ({why}); name a file of `hopcite rerank-heads`."
        ) from exc


def installed(package: str) -> str | None:
    """Its version; None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 24 else f"{text[:14]}…"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return None


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
