"""The connection to an OpenAI-compatible server: it belongs to the loop that asks, and retries live here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx

from hopcite.budget import Budget
from hopcite.errors import Unreachable
from hopcite.llamacpp import Endpoint
from hopcite.openings import OpeningStates
from hopcite.settings import LLMSettings
from hopcite.wire_openai import events, no_openai_server, raise_for, retry_after_s, worth_another_try

# Counting is no work for a server: one that is silent for so long is not asked again for a while.
_COUNT_TIMEOUT_S = 5.0
_COUNT_PAUSE_S = 60.0


class Connection:
    """One server, asked at most `llm.concurrency` times at once. Connections follow the loop that asks."""

    def __init__(
        self,
        llm: LLMSettings,
        endpoint: Callable[[], Endpoint],
        *,
        section: str,
        on_close: Callable[[], None] | None,
        states: OpeningStates | None = None,
    ) -> None:
        """`endpoint` starts the server if need be. `section`: the settings that errors tell to correct.

        `states`: of a server that is asked for one thing at a time.
        """
        self._llm = llm
        self._section = section
        self._endpoint = endpoint
        self._on_close = on_close
        self._states = states
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(llm.concurrency)
        self._count_again = 0.0

    async def chat(self, body: Mapping[str, Any], budget: Budget) -> AsyncIterator[dict[str, Any]]:
        """POST to the chat endpoint and yield its events (one, the whole reply, if unstreamed). Retries live here.

        Only a request that has not yielded anything is tried again: on 429, 5xx and lost connections.
        """
        client, root = await self._client()
        request = {"model": self._llm.model, "temperature": 0, "seed": 0, **body}
        async with self._slots:
            if self._states is not None:
                await self._states.enter(client, root, body["messages"])
            for attempt in range(self._llm.retries + 1):
                yielded = False
                try:
                    async with client.stream("POST", f"{root}/chat/completions", json=request) as response:
                        if response.is_success:
                            async for event in events(
                                response, streamed=bool(body.get("stream")), section=self._section
                            ):
                                yielded = True
                                yield event
                            return
                        await response.aread()
                        if attempt == self._llm.retries or not worth_another_try(response):
                            raise_for(response, self._llm, self._section)
                        pause = retry_after_s(response, attempt)
                except httpx.ReadTimeout as exc:
                    raise Unreachable(
                        f"The language model at {root} is silent for {self._llm.timeout_s:g} s; raise llm.timeout_s."
                    ) from exc
                except httpx.TransportError as exc:
                    if yielded or attempt == self._llm.retries:
                        raise Unreachable(
                            f"The language model at {root} does not answer ({exc.__class__.__name__}); start it, or "
                            f"correct {self._section}.base_url."
                        ) from exc
                    pause = retry_after_s(None, attempt)
                except httpx.DecodingError as exc:
                    raise no_openai_server(self._section, str(exc)) from exc
                await asyncio.sleep(min(pause, budget.remaining_s))

    async def _client(self) -> tuple[httpx.AsyncClient, str]:
        """The connections of the running loop, and the server's address; starts the embedded model if need be."""
        endpoint = await asyncio.to_thread(self._endpoint)
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
            timeout = httpx.Timeout(self._llm.timeout_s, connect=5.0)
            # The slots say how much is under way; a pool with a limit of its own (100 by default) would overrule them.
            pool = httpx.Limits(max_connections=None, max_keepalive_connections=self._llm.concurrency)
            self._http = httpx.AsyncClient(headers=headers, timeout=timeout, limits=pool, trust_env=False)
            self._slots = asyncio.Semaphore(self._llm.concurrency)
            self._loop = loop
        return self._http, endpoint.base_url.rstrip("/")

    async def count_tokens(self, text: str) -> int | None:
        """By the server's tokenizer, in llama.cpp's form or vLLM's; None where it does not count."""
        client, root = await self._client()
        body = {"content": text, "model": self._llm.model, "prompt": text, "add_special_tokens": False}
        counted: object = None
        try:
            if time.monotonic() >= self._count_again:
                response = await client.post(
                    f"{root.removesuffix('/v1')}/tokenize",
                    json=body,
                    timeout=min(_COUNT_TIMEOUT_S, self._llm.timeout_s),
                )
                counted = response.json() if response.is_success else None
        except httpx.TimeoutException:
            self._count_again = time.monotonic() + _COUNT_PAUSE_S
        except (httpx.TransportError, httpx.DecodingError, ValueError):
            pass
        if not isinstance(counted, dict):
            return None
        count, tokens = counted.get("count"), counted.get("tokens")
        if isinstance(count, int):
            return count
        return len(tokens) if isinstance(tokens, list) else None

    async def aclose(self) -> None:
        """Close the connections, and the embedded server."""
        if self._http is not None and self._loop is asyncio.get_running_loop():
            await self._http.aclose()
        self._http = None
        if self._on_close:
            await asyncio.to_thread(self._on_close)
