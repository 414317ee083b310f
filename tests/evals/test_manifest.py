"""What a manifest says of models, heads and machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from evals.manifest import LIBRARIES, machine, models
from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE
from hopcite.settings import Settings

DEFAULT = Settings().rerank.model
FILE = CATALOGUE[DEFAULT].file


def found(rerank: dict[str, Any] | None = None, **llm: Any) -> dict[str, dict[str, str | None]]:
    settings = Settings()
    changed = settings.rerank.model_copy(update=rerank or {})
    return models(settings.model_copy(update={"rerank": changed, "llm": settings.llm.model_copy(update=llm)}))


@pytest.mark.parametrize("method", ["attention", "query-likelihood", "qwen3-reranker"])
def test_a_reranker_that_is_read_here_is_told_with_its_file(method: str) -> None:
    assert FILE is not None
    assert found({"method": method})["reranker"] == {"id": DEFAULT, "sha256": FILE.sha256}


@pytest.mark.parametrize("method", ["none", "setwise", "late-interaction"])
def test_a_method_that_reads_no_model_of_its_own_adds_none(method: str) -> None:
    assert "reranker" not in found({"method": method})


def test_a_method_that_asks_the_chat_may_be_told_to_read_a_model_here() -> None:
    assert FILE is not None
    assert found({"method": "yes-no", "engine": "in-process"})["reranker"]["sha256"] == FILE.sha256


def test_nobody_knows_the_file_that_a_server_holds() -> None:
    at = "http://one:1/v1"
    assert found(base_url=at)["llm"] == {"id": DEFAULT, "sha256": None}
    served = found({"method": "cross-encoder", "base_url": at})
    assert served["reranker"] == {"id": DEFAULT, "sha256": None}
    assert served["llm"]["sha256"] is not None


def test_the_heads_are_told_by_their_content(tmp_path: Path) -> None:
    heads = tmp_path / "heads.json"
    with pytest.raises(SettingsError, match=r"heads\.json cannot be read .*hopcite rerank-heads"):
        found({"heads": heads})
    heads.write_bytes(b"{}")
    assert found({"heads": heads})["heads"] == {"id": str(heads), "sha256": hashlib.sha256(b"{}").hexdigest()}
    assert "heads" not in found({"heads": heads, "method": "none"}), "they are not read"


def test_the_machine_is_told_with_its_memory_and_libraries() -> None:
    here = machine()
    assert here["memory_gib"] > 0
    assert all(here[name] for name in LIBRARIES)
