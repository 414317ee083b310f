"""A real vLLM for as long as a command runs: `python -m tests.vllm.serve COMMAND...`.

Starts two servers of `.venv-vllm` on free ports, one that chats and one that scores pairs (`/rerank`), both with the
model in `.venv-vllm/model`. The command gets their addresses as HOPCITE_TEST_VLLM_URL and HOPCITE_TEST_VLLM_RERANK_URL.
Whatever happens, the servers are stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

ENVIRONMENT = Path(".venv-vllm")
WINDOW = 4096
FLAGS = ("--dtype=bfloat16", "--enforce-eager", f"--max-model-len={WINDOW}")
# What Hopcite needs of any vLLM that chats: replies as its prompts expect them, without the penalties that a model's
# generation_config.json asks for, and as many log-probabilities as reranking reads. docker-compose.yml has the same.
CHAT = ("--generation-config=vllm", "--max-logprobs=20")
# The same weights as an untrained reranker of Qwen3-Reranker's form: the score is that of "yes" against "no".
SCORE = (
    "--runner=pooling",
    "--hf-overrides="
    + json.dumps(
        {
            "architectures": ["Qwen2ForSequenceClassification"],
            "classifier_from_token": ["no", "yes"],
            "method": "from_2_way_softmax",
        }
    ),
)
_START_S = 900.0  # on two busy cores; an idle machine takes 40 s
_STOP_S = 30.0


@contextlib.contextmanager
def served(*flags: str, log: Path, environment: Path = ENVIRONMENT) -> Iterator[str]:
    """The address of a server with these flags, once it is ready. Exits with the end of its log if it never is."""
    port = _free_port()
    command = [
        str(environment / "bin" / "python"),
        *("-m", "vllm.entrypoints.openai.api_server", "--host=127.0.0.1", f"--port={port}"),
        *(f"--model={environment / 'model'}", *FLAGS, *flags),
    ]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as written:
        # A session of its own: the engine's processes are stopped with it.
        server = subprocess.Popen(
            command, env={**os.environ, **own}, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            _stop(server)


def _wait(server: subprocess.Popen[bytes], root: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{root}/health", timeout=5):
            return
        time.sleep(1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
    sys.exit(f"vLLM did not start; the end of {log}:\n{tail}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(_STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main(command: Sequence[str]) -> int:
    """Run the command with both servers up; its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` runs
    logs = ENVIRONMENT / "chat.log", ENVIRONMENT / "rerank.log"
    with served(*CHAT, log=logs[0]) as chat, served(*SCORE, log=logs[1]) as score:
        urls = {"HOPCITE_TEST_VLLM_URL": chat, "HOPCITE_TEST_VLLM_RERANK_URL": score}
        return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
