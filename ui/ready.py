"""Cheap checks of the parts that a question needs. `hopcite doctor` makes real calls instead."""

from __future__ import annotations

import asyncio

import httpx

from hopcite.errors import HopciteError, NotFound, Unreachable
from hopcite.models import CATALOGUE, model_path
from hopcite.settings import Settings
from ui.state import Parts

# A probe that waits longer than an orchestrator's own time limit says nothing.
_TIMEOUT_S = 2.0


async def faults(parts: Parts) -> dict[str, str]:
    """Each part that is missing, and the line that says what to do. Empty: ready."""
    settings = parts.settings
    checks = {
        "encoder": _model(settings, settings.encoder.model),
        "llm": _server(settings.llm.base_url, settings) if settings.llm.base_url else _llm_file(settings),
        "reranker": _model(settings, settings.rerank.model) if "attention" in settings.rerank.methods else _nothing(),
        "store": _store(parts),
        "threads": _threads(parts) if settings.threads.url else _nothing(),
    }
    for name in parts.given & checks.keys():
        checks.pop(name).close()
    results = await asyncio.gather(*checks.values(), return_exceptions=True)
    found: dict[str, str] = {}
    for name, result in zip(checks, results, strict=True):
        if isinstance(result, HopciteError):
            found[name] = str(result)
        elif isinstance(result, BaseException):
            raise result
    return found


async def _nothing() -> None:
    return None


async def _model(settings: Settings, model: str) -> None:
    # A folder, or a model of the hub: only loading it can tell.
    if model in CATALOGUE:
        await asyncio.to_thread(model_path, settings, model)


async def _llm_file(settings: Settings) -> None:
    await asyncio.to_thread(model_path, settings, settings.llm.model)


async def _server(base_url: str, settings: Settings) -> None:
    key = settings.llm.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            response = await client.get(f"{base_url.rstrip('/')}/models", headers=headers)
    except httpx.HTTPError as exc:
        raise Unreachable(f"The model server at {base_url} does not answer; see llm.base_url.") from exc
    if response.status_code >= 400:
        raise Unreachable(
            f"The model server at {base_url} answers {response.status_code}; see llm.base_url and llm.api_key."
        )


async def _store(parts: Parts) -> None:
    """The default collection opens. One that does not exist yet is no fault: the first document makes it."""
    try:
        await asyncio.wait_for(parts.documents(), _TIMEOUT_S)
        if not parts.warming:
            await parts.collection()
        if parts.settings.qdrant.url:  # it may have gone away since the collection was opened
            await asyncio.wait_for(parts.collections(), _TIMEOUT_S)
    except NotFound:
        return
    except TimeoutError:
        raise Unreachable("The ledger or the store does not answer; see data_dir and qdrant.url.") from None


async def _threads(parts: Parts) -> None:
    """The database of the conversations can be asked for one, of whatever name."""
    try:
        await asyncio.wait_for(parts.threads.get("readyz"), _TIMEOUT_S)
    except NotFound:
        return
    except TimeoutError:
        raise Unreachable("The database of the conversations does not answer; see threads.url.") from None
