"""The servers of `make test-vllm` end with their command, whatever happens. A few lines of Python stand for vLLM."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.vllm.environment import needed
from tests.vllm.serve import CHAT, served

HEALTHY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = next(one.partition("=")[2] for one in sys.argv if one.startswith("--port="))
HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
BROKEN = "import sys; sys.exit('no such model')"


def environment(folder: Path, program: str) -> Path:
    (folder / "bin").mkdir()
    (folder / "program.py").write_text(program, encoding="utf-8")
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/program.py "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return folder


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url.removesuffix('/v1')}/health", timeout=5):
            return True
    except urllib.error.URLError:
        return False


def test_the_server_lasts_as_long_as_what_needs_it(tmp_path: Path) -> None:
    with served(log=tmp_path / "log", environment=environment(tmp_path, HEALTHY)) as url:
        assert answers(url)
    assert not answers(url)


def test_an_error_stops_the_server_too(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt) as raised,
        served(log=tmp_path / "log", environment=environment(tmp_path, HEALTHY)) as url,
    ):
        raise KeyboardInterrupt(url)
    assert not answers(str(raised.value))


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(SystemExit, match="no such model"),
        served(log=tmp_path / "log", environment=environment(tmp_path, BROKEN)),
    ):
        pass


def test_the_servers_under_test_have_the_flags_of_docker_compose() -> None:
    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8"))
    assert [flag for flag in compose["services"]["vllm"]["command"] if flag in CHAT] == list(CHAT)


def test_only_what_a_server_of_text_models_loads_is_installed() -> None:
    kept = ["regex", "fastapi[standard]<1,>=0.133"]
    left_out = [
        "torch==2.13.0+cpu; platform_machine == 'x86_64'",
        "torchvision",
        "torchcodec>=0.14",
        "ray; extra == 'x'",
    ]
    assert needed([*left_out, *kept]) == kept
