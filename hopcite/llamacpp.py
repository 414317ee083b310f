"""llama.cpp in this process: a server on a free loopback port, so that one client speaks to it and to any other."""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hopcite.errors import ModelFileError

# Prompt tokens that are read at once. Smaller than llama.cpp's 2048, so that a cancelled request ends within seconds
# on two cores, at no measurable loss of speed there.
_BATCH_TOKENS = 256
# Host memory for the states of earlier prompts, MiB: a prompt that shares its beginning with one of them starts there.
_PROMPT_CACHE_MIB = 512


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running server listens, and the key that it wants."""

    base_url: str
    api_key: str


class EmbeddedServer:
    """One model, loaded on first use. The server lives as long as this object, and no longer than the process."""

    def __init__(
        self, model: Path, *, context_tokens: int, threads: int | None = None, states: Path | None = None
    ) -> None:
        """`states`: a folder, made if it is missing, in which the server may keep what it has read."""
        self._model = model
        self._states = states
        self._context_tokens = context_tokens
        self._threads = threads or cores()
        self._lock = threading.Lock()
        self._server: Any = None
        self._api_key = secrets.token_urlsafe(24)

    def start(self) -> Endpoint:
        """Load the model if that has not happened yet; blocks for seconds. Raises `ModelFileError`."""
        with self._lock:
            if self._server is None:
                self._server = self._load()
            return Endpoint(f"{self._server.listening_address}/v1", self._api_key)

    def close(self) -> None:
        """Stop the server and free the model."""
        with self._lock:
            self._server = None

    def _load(self) -> Any:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self._model)
        params.n_ctx = self._context_tokens
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = _BATCH_TOKENS
        params.cache_ram_mib = _PROMPT_CACHE_MIB
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        if self._states is not None:
            with suppress(OSError):  # without them it reads again
                self._states.mkdir(parents=True, exist_ok=True)
                params.slot_save_path = f"{self._states}{os.sep}"
                params.endpoint_slots = True
        params.api_keys = [self._api_key]
        params.warmup = False
        params.ui = False
        params.verbosity = -1
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as exc:
            raise ModelFileError(
                f"llama.cpp cannot load {self._model} ({exc}); `hopcite models pull` fetches it again."
            ) from exc


def version() -> str:
    """Of llama.cpp here."""
    return importlib.metadata.version("xllamacpp")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
