"""Reranking by a server's `/rerank`: the wire format of Jina and Cohere, which vLLM, llama.cpp and Infinity speak too.

Where there is none, vLLM's `/score` takes its place. One request scores a whole list. What the scores mean is the
server's model's affair: a cross-encoder, or a language model made to score (`qwen3`), in which case `wrap` writes its
template around question and passage.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where pairs are scored, and by what names its format calls things."""

    path: str
    query: str
    passages: str
    results: str
    score: str


_RERANK = _Endpoint("/rerank", "query", "documents", "results", "relevance_score")
_SCORE = _Endpoint("/score", "text_1", "text_2", "data", "score")


class _NotThere(SettingsError):
    """There is no such endpoint, or no such model at it."""


class ServerReranker:
    """Ranks by the scores of `rerank.model` at `rerank.base_url`. One list is one call of the budget."""

    def __init__(
        self, settings: RerankSettings, *, name: str, timeout_s: float, retries: int, wrap: Wrap | None = None
    ) -> None:
        self.name = name
        self._settings, self._timeout_s, self._retries, self._wrap = settings, timeout_s, retries, wrap
        self._root, self._endpoint = (settings.base_url or "").rstrip("/"), _RERANK

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
        with budget.reserve() as call:
            try:
                async with asyncio.timeout(None if math.isinf(call.remaining_s) else call.remaining_s):
                    endpoint, reply = await self._answered(query, passages)
            except TimeoutError as exc:
                call.charge()
                raise BudgetExhausted(
                    f"Reranking {len(passages)} passages outlasted the request; raise --deadline."
                ) from exc
            tokens = _tokens(reply)
            call.charge(prompt_tokens=tokens)
        scores = _scores(reply, len(passages), endpoint)
        return replace(by_score(scores), calls=1, prompt_tokens=tokens)

    async def _answered(self, query: str, passages: Sequence[str]) -> tuple[_Endpoint, Mapping[str, Any]]:
        """The reply, and whose it is: that of `/rerank` or, where it is not there, of `/score`, from then on.

        Where neither is there, the error is that of the first.
        """
        endpoint = self._endpoint
        try:
            return endpoint, await self._posted(endpoint, query, passages)
        except _NotThere as missing:
            if endpoint is _SCORE:
                raise
            try:
                reply = await self._posted(_SCORE, query, passages)
            except (SettingsError, ModelMisbehaved):
                raise missing from None
        self._endpoint = _SCORE
        return _SCORE, reply

    async def _posted(self, endpoint: _Endpoint, query: str, passages: Sequence[str]) -> Mapping[str, Any]:
        url = self._root + endpoint.path
        body: dict[str, object] = {"model": self._settings.model, endpoint.query: query, endpoint.passages: passages}
        if endpoint is _RERANK:
            body["top_n"] = len(passages)
        key = self._settings.api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        timeout = httpx.Timeout(self._timeout_s, connect=5.0)
        async with httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as client:
            for attempt in range(self._retries + 1):
                last = attempt == self._retries
                try:
                    response = await client.post(url, json=body)
                except httpx.TransportError as exc:
                    if last or isinstance(exc, httpx.ReadTimeout):
                        raise Unreachable(
                            f"The reranking server at {url} does not answer ({exc.__class__.__name__}); start "
                            "it, or correct rerank.base_url."
                        ) from exc
                    await asyncio.sleep(retry_after_s(None, attempt))
                    continue
                if response.is_success:
                    return _parsed(response, endpoint)
                if last or not worth_another_try(response):
                    self._refused(response, url)
                await asyncio.sleep(retry_after_s(response, attempt))
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, response: httpx.Response, url: str) -> NoReturn:
        said, status = response.text[:200].strip(), response.status_code
        if status in (401, 403):
            raise SettingsError(f"The reranking server refuses the key ({status}); correct rerank.api_key.")
        if status in (404, 405):
            raise _NotThere(
                f"The server has no model {self._settings.model!r} at {url} ({said}); correct rerank.model or "
                "rerank.base_url, or serve a model that reranks."
            )
        if worth_another_try(response):
            raise Unreachable(f"The reranking server keeps failing ({status}: {said}); look at its log.")
        raise ModelMisbehaved(f"The reranking server rejects the request ({status}: {said}).")

    async def aclose(self) -> None:
        """Nothing to release: connections last as long as a request."""


def _parsed(response: httpx.Response, endpoint: _Endpoint) -> Mapping[str, Any]:
    try:
        reply = response.json()
    except ValueError:
        reply = None
    if not isinstance(reply, dict) or not isinstance(reply.get(endpoint.results), list):
        raise ModelMisbehaved(
            f"rerank.base_url names no server with {endpoint.path}: it says {response.text[:100]!r}; correct "
            "rerank.base_url."
        )
    return reply


def _scores(reply: Mapping[str, Any], n: int, endpoint: _Endpoint) -> list[float | None]:
    scores: list[float | None] = [None] * n
    try:
        for result in reply[endpoint.results]:
            score = result[endpoint.score]
            if 0 <= int(result["index"]) < n:
                scores[int(result["index"])] = None if score is None else float(score)  # null: NaN, as vLLM writes it
    except (LookupError, OverflowError, TypeError, ValueError) as exc:
        raise ModelMisbehaved(
            f"The reranking server's results lack a field: {str(reply[endpoint.results])[:100]}."
        ) from exc
    return scores


def _tokens(reply: Mapping[str, Any]) -> int:
    """What the server counted, 0 where it does not say."""
    usage = reply.get("usage")
    found = usage.get("total_tokens") if isinstance(usage, dict) else None
    return found if isinstance(found, int) else 0
