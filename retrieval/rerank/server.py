"""Reranking by a server's `/rerank`: the wire format of Jina and Cohere, which vLLM, llama.cpp and Infinity speak too.

One request scores a whole list. What the scores mean is the server's model's affair: a cross-encoder, or a language
model made to score (`qwen3`), in which case `wrap` writes its template around question and passage.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import httpx

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted, ModelMisbehaved, SettingsError, Unreachable
from hopcite.settings import RerankSettings
from hopcite.types import Chunk
from hopcite.wire_openai import retry_after_s, worth_another_try
from retrieval.rerank.passages import shown
from retrieval.rerank.port import Ranking, by_score, keep_order

Wrap = Callable[[str, Sequence[str]], tuple[str, list[str]]]
"""A question and passages to what the server is sent."""


class ServerReranker:
    """Ranks by the scores of `rerank.model` at `rerank.base_url`. One list is one call of the budget."""

    def __init__(
        self, settings: RerankSettings, *, name: str, timeout_s: float, retries: int, wrap: Wrap | None = None
    ) -> None:
        self.name = name
        self._settings, self._timeout_s, self._retries, self._wrap = settings, timeout_s, retries, wrap
        self._url = f"{(settings.base_url or '').rstrip('/')}/rerank"

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """Rank any number of candidates. A passage that the reply leaves out has no score and stands last.

        Raises `BudgetExhausted` at the deadline, `Unreachable`, `SettingsError` for a wrong key, address or model, and
        `ModelMisbehaved` for a reply of another format.
        """
        if len(candidates) < 2:
            return keep_order(len(candidates))
        passages = [shown(candidate, limit=self._settings.passage_tokens) for candidate in candidates]
        if self._wrap:
            query, passages = self._wrap(query, passages)
        body = {"model": self._settings.model, "query": query, "documents": passages, "top_n": len(passages)}
        with budget.reserve() as call:
            try:
                async with asyncio.timeout(None if math.isinf(call.remaining_s) else call.remaining_s):
                    reply = await self._posted(body)
            except TimeoutError as exc:
                call.charge()
                raise BudgetExhausted(
                    f"Reranking {len(passages)} passages outlasted the request; raise --deadline."
                ) from exc
            tokens = _tokens(reply)
            call.charge(prompt_tokens=tokens)
        return replace(by_score(_scores(reply, len(passages))), calls=1, prompt_tokens=tokens)

    async def _posted(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        key = self._settings.api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        timeout = httpx.Timeout(self._timeout_s, connect=5.0)
        async with httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as client:
            for attempt in range(self._retries + 1):
                last = attempt == self._retries
                try:
                    response = await client.post(self._url, json=body)
                except httpx.TransportError as exc:
                    if last or isinstance(exc, httpx.ReadTimeout):
                        raise Unreachable(
                            f"The reranking server at {self._url} does not answer ({exc.__class__.__name__}); start "
                            "it, or correct rerank.base_url."
                        ) from exc
                    await asyncio.sleep(retry_after_s(None, attempt))
                    continue
                if response.is_success:
                    return _parsed(response)
                if last or not worth_another_try(response):
                    self._refused(response)
                await asyncio.sleep(retry_after_s(response, attempt))
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, response: httpx.Response) -> NoReturn:
        said, status = response.text[:200].strip(), response.status_code
        if status in (401, 403):
            raise SettingsError(f"The reranking server refuses the key ({status}); correct rerank.api_key.")
        if status in (404, 405):
            raise SettingsError(
                f"The server has no model {self._settings.model!r} at {self._url} ({said}); correct rerank.model or "
                "rerank.base_url, or serve a model that reranks."
            )
        if worth_another_try(response):
            raise Unreachable(f"The reranking server keeps failing ({status}: {said}); look at its log.")
        raise ModelMisbehaved(f"The reranking server rejects the request ({status}: {said}).")

    async def aclose(self) -> None:
        """Nothing to release: connections last as long as a request."""


def _parsed(response: httpx.Response) -> Mapping[str, Any]:
    try:
        reply = response.json()
    except ValueError:
        reply = None
    if not isinstance(reply, dict) or not isinstance(reply.get("results"), list):
        raise ModelMisbehaved(
            f"rerank.base_url names no server with /rerank: it says {response.text[:100]!r}; correct rerank.base_url."
        )
    return reply


def _scores(reply: Mapping[str, Any], n: int) -> list[float | None]:
    scores: list[float | None] = [None] * n
    try:
        for result in reply["results"]:
            score = result["relevance_score"]
            if 0 <= int(result["index"]) < n:
                scores[int(result["index"])] = None if score is None else float(score)  # null: NaN, as vLLM writes it
    except (LookupError, OverflowError, TypeError, ValueError) as exc:
        raise ModelMisbehaved(f"The reranking server's results lack a field: {str(reply['results'])[:100]}.") from exc
    return scores


def _tokens(reply: Mapping[str, Any]) -> int:
    """What the server counted, 0 where it does not say."""
    usage = reply.get("usage")
    found = usage.get("total_tokens") if isinstance(usage, dict) else None
    return found if isinstance(found, int) else 0
