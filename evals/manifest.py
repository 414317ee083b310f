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
from hopcite.models import CATALOGUE
from hopcite.settings import Settings

VERSION = 2
"""Of the run folder's format."""
_ROOT = Path(__file__).resolve().parent.parent
# The packages whose code can change a record. The doors (ui) only show it.
CODE = ("agent", "evals", "hopcite", "ingest", "retrieval")


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
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": _installed("torch"),
    }


def code_version() -> dict[str, Any]:
    """The package's version and, in a checkout, the commit."""
    return {"version": _installed("hopcite"), "commit": _git("rev-parse", "HEAD")}


@cache
def sources_sha256(*names: str) -> str:
    """Over these Python files, and those in these folders: says more than the commit where files were changed since."""
    digest = hashlib.sha256()
    given = [_ROOT / name for name in names]
    for path in sorted(path for one in given for path in ([one] if one.is_file() else one.rglob("*.py"))):
        digest.update(f"{path.relative_to(_ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def models(settings: Settings) -> dict[str, dict[str, str | None]]:
    """The models that the settings use, by job; `sha256` where the catalogue knows it."""
    used = {"llm": settings.llm.model, "encoder": settings.encoder.model}
    if {"attention", "cross-encoder"} & set(settings.rerank.methods):
        used["reranker"] = settings.rerank.model
    return {job: {"id": model, "sha256": _model_sha256(model)} for job, model in used.items()}


def _model_sha256(model: str) -> str | None:
    entry = CATALOGUE.get(model)
    return entry.file.sha256 if entry and entry.file else None


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


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
