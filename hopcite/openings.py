"""What prompts begin with, kept on disk as the embedded model has read it.

The task and its examples come first in a prompt and are the same for every question. To read them takes a laptop
several seconds, so llama.cpp's state behind them is stored once, and loaded in milliseconds by every later process. A
failure costs time and nothing else: the request then reads its prompt from the start.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from hopcite.chat import Message

Opening = tuple[Message, ...]
"""The first messages of many prompts."""

_KEPT = 8  # files: states of earlier models and prompts go first
_ABANDONED_S = 3600.0  # since a process began to write it


class OpeningStates:
    """The states of some openings for one server with a single slot. Not safe for requests at once."""

    def __init__(self, openings: Sequence[Opening], folder: Path, *, reader: str) -> None:
        """`folder`: the server's `slot_save_path`. `reader`: its weights and version; no other's states are loaded."""
        self._left = list(openings)
        self._folder = folder
        self._reader = reader

    async def enter(self, client: httpx.AsyncClient, root: str, messages: Sequence[Message]) -> None:
        """Have the server stand behind the opening of these messages, if it has not read that yet."""
        opening = next((known for known in self._left if tuple(messages[: len(known)]) == known), None)
        if opening is None:
            return
        self._left.remove(opening)
        try:
            await self._enter(client, root.removesuffix("/v1"), opening)
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            return

    async def _enter(self, client: httpx.AsyncClient, root: str, opening: Opening) -> None:
        prompt = (await _post(client, f"{root}/apply-template", messages=list(opening)))["prompt"]
        key = hashlib.sha256("\n".join((self._reader, prompt)).encode()).hexdigest()
        file = self._folder / f"{key[:16]}.bin"
        if file.exists():
            # A prompt without tokens in common moves what the slot holds to the server's cache.
            await _post(client, f"{root}/completion", prompt=" ", n_predict=0)
            try:
                await _post(client, f"{root}/slots/0?action=restore", filename=file.name)
            except httpx.HTTPStatusError:
                file.unlink(missing_ok=True)
            else:
                return
        await _post(client, f"{root}/completion", prompt=prompt, n_predict=0, cache_prompt=True)
        # Another process may be reading or writing the same state.
        part = file.with_suffix(f".{secrets.token_hex(4)}.part")
        await _post(client, f"{root}/slots/0?action=save", filename=part.name)
        part.replace(file)
        self._prune()

    def _prune(self) -> None:
        states = sorted(self._folder.glob("*.bin"), key=lambda file: file.stat().st_mtime)
        for file in states[:-_KEPT]:
            file.unlink(missing_ok=True)
        for part in self._folder.glob("*.part"):
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink(missing_ok=True)


async def _post(client: httpx.AsyncClient, url: str, **body: object) -> dict[str, str]:
    response = await client.post(url, json=body)
    response.raise_for_status()
    answer: dict[str, str] = response.json()
    return answer
