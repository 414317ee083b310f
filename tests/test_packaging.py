from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WHEEL: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
# Seconds to import, and not needed to print a help page or to serve another model's answers.
HEAVY = {"torch", "transformers", "sentence_transformers", "xllamacpp", "langgraph", "nicegui", "qdrant_edge", "mcp"}


@pytest.mark.parametrize("name", WHEEL)
def test_a_package_of_the_wheel_is_the_one_in_this_repository(name: str) -> None:
    # Other distributions have packages called agent or evals; an installed one must not stand in for ours.
    assert Path(str(importlib.import_module(name).__file__)).parent == ROOT / name


def test_every_top_level_package_is_in_the_wheel() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(WHEEL)


@pytest.mark.parametrize("name", WHEEL)
def test_importing_a_package_does_no_work(name: str, tmp_path: Path) -> None:
    loaded = _modules_after(f"import {name}", tmp_path)
    assert "torch" not in loaded
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["hopcite", "hopcite.settings", "ui.cli"])
def test_the_vocabulary_and_the_command_line_start_without_heavy_libraries(name: str, tmp_path: Path) -> None:
    assert HEAVY & _modules_after(f"import {name}", tmp_path) == set()


def _modules_after(statement: str, folder: Path) -> set[str]:
    """The top-level modules of a fresh interpreter that ran `statement`, which must have printed nothing."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HOPCITE_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**bare, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    modules: set[str] = set(json.loads(done.stdout))
    return modules


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|tmp/w|root|home/\w+)/(?!hopcite\b)")
    found = [f"{path}: {hit[0]}" for path, text in _tracked_texts() for hit in machine.finditer(text)]
    # The cache folder of vLLM's image is the one path of somebody else's machine that has to be named.
    assert [line for line in found if line != f"docker-compose.yml: {'/root'}/"] == []


def _tracked_texts() -> Iterator[tuple[Path, str]]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout, to tell the repository's files from others")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            yield Path(name), (ROOT / name).read_text(encoding="utf-8", errors="ignore")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("service", SERVICES)
def test_a_secret_comes_from_outside_the_compose_file(service: str) -> None:
    environment: Mapping[str, str | None] = SERVICES[service].get("environment", {})
    secrets = {name for name in environment if re.search("KEY|TOKEN|SECRET|PASSWORD", name)}
    assert [name for name in secrets if environment[name] is not None] == []


@pytest.mark.parametrize("service", [name for name, service in SERVICES.items() if "image" in service])
def test_an_image_is_pinned_to_a_release(service: str) -> None:
    assert re.fullmatch(r"[\w/-]+:v\d+\.\d+\.\d+", SERVICES[service]["image"])


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_setting_named_for_compose_exists() -> None:
    """`HOPCITE_` names in the compose file, its example .env and the Dockerfile are settings of the tree."""
    from hopcite.settings_layers import load_settings

    texts = [(ROOT / name).read_text() for name in ("docker-compose.yml", ".env.example", "Dockerfile")]
    named = {name.removeprefix("HOPCITE_") for text in texts for name in re.findall(r"HOPCITE_[A-Z_]+", text)}
    known = {name.replace(".", "__").upper() for name in load_settings(environ={}).origins}
    assert named
    assert named - known == set()


@pytest.mark.parametrize("profile", [[], ["--profile", "gpu"]])
def test_compose_accepts_the_file(profile: list[str]) -> None:
    command = _compose()
    done = subprocess.run(
        [*command, *profile, "config", "--services"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert {"app", "qdrant"} <= set(done.stdout.split())
    assert not profile or "vllm" in done.stdout.split()


def _compose() -> list[str]:
    docker, standalone = shutil.which("docker"), shutil.which("docker-compose")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0:
        return [docker, "compose"]
    if standalone:
        return [standalone]
    pytest.skip("needs docker compose")


def test_the_image_holds_the_packages_of_the_wheel_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert set(WHEEL) <= copied == sent
    assert users[-1:] == ["hopcite"]
