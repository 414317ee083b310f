"""Which tests this machine can run: one that lacks what its mark names is skipped, and says what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hopcite.settings import Settings, load_settings


def _models() -> str:
    if os.environ.get("HOPCITE_TEST_NO_MODELS", "") not in ("", "0"):
        return "HOPCITE_TEST_NO_MODELS is set"
    settings = load_settings().settings
    path = settings.model_dir / f"{Settings().llm.model}.gguf"
    return "" if path.is_file() else f"the default model is not in {settings.model_dir}: `hopcite models pull`"


def _gpu() -> str:
    import torch

    return "" if torch.cuda.is_available() else "no CUDA device"


def _variable(name: str, what: str) -> Callable[[], str]:
    return lambda: "" if os.environ.get(name) else f"{name} names no {what}"


_MISSING: dict[str, Callable[[], str]] = {
    "models": _models,
    "gpu": _gpu,
    "vllm": _variable("HOPCITE_TEST_VLLM_URL", "vLLM server"),
    "postgres": _variable("HOPCITE_TEST_POSTGRES_URL", "Postgres database that the tests may empty"),
    "qdrant_server": _variable("HOPCITE_TEST_QDRANT_URL", "Qdrant server"),
    "data": _variable("HOPCITE_TEST_DATA", "folder of evaluation data"),
}


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for mark, missing in _MISSING.items():
        marked = [item for item in items if item.get_closest_marker(mark)]
        reason = missing() if marked else ""
        for item in marked if reason else ():
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The folder of the pulled models, for tests marked `models`."""
    return load_settings().settings.model_dir
