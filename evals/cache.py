"""Replies of the models kept on disk, so that a sweep pays each call once.

A reply is found by everything that it depends on: the model's file or server, the version of what runs it here, the
request in full, and for a reranker its code. It is billed with the calls, tokens and seconds that it took when it was
made, so costs stay comparable.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agent import Deps
from evals.manifest import catalogue_sha256, heads_sha256, installed, sources_sha256
from hopcite.budget import Budget
from hopcite.chat import Chat, Completion, Message, T
from hopcite.errors import OperatorError
from hopcite.settings import Settings
from hopcite.types import Chunk
from retrieval.rerank.choice import engine_of
from retrieval.rerank.passages import PASSAGE_TOKENS
from retrieval.rerank.port import Ranking, Reranker

_ATTENTION = ("attention", "cascade", "heads", "in_context", "port", "recipes", "weights")


class ReplyCache:
    """Replies by key, in one SQLite file that several runs may share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except (OSError, sqlite3.Error) as exc:
            raise self._error(exc) from exc

    async def through(
        self,
        key: Mapping[str, object],
        budget: Budget,
        make: Callable[[Budget], Awaitable[dict[str, Any]]],
        *,
        whole: Callable[[Mapping[str, Any]], bool] = lambda _: True,
    ) -> dict[str, Any]:
        """The value kept under `key`, else the one that `make` gives. One that is not `whole` is neither kept nor used.

        An earlier version may have kept such.
        """
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        if (kept := self._get(digest)) is not None and whole(kept["value"]):
            budget.check()
            budget.charge(**kept["bill"])
            return dict(kept["value"])
        part = budget.within(budget.remaining_s)
        before = (part.llm_calls, part.prompt_tokens, part.completion_tokens)
        started = time.perf_counter()
        value = await make(part)
        if whole(value):
            after = (part.llm_calls, part.prompt_tokens, part.completion_tokens)
            names = ("calls", "prompt_tokens", "completion_tokens")
            bill: dict[str, float] = {name: b - a for name, a, b in zip(names, before, after, strict=True)}
            bill["saved_s"] = round(time.perf_counter() - started, 4)
            self._put(digest, {"value": value, "bill": bill})
        return value

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _get(self, key: str) -> dict[str, Any] | None:
        try:
            row = self._db.execute("SELECT value FROM replies WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as exc:
            raise self._error(exc) from exc
        return json.loads(row[0]) if row else None

    def _put(self, key: str, value: Mapping[str, Any]) -> None:
        try:
            self._db.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, json.dumps(value)))
        except sqlite3.Error as exc:
            raise self._error(exc) from exc

    def _error(self, exc: Exception) -> OperatorError:
        return OperatorError(f"{self._path} cannot be used ({exc}); delete it, or run with --no-cache.")


def with_cache(deps: Deps, cache: ReplyCache) -> Deps:
    """The same parts, asked through the cache."""
    chat = CachedChat(deps.chat, cache, _chat_identity(deps.settings, deps.chat))
    rerank = deps.settings.rerank
    identity: dict[str, object] = {
        "reranker": deps.reranker.name,
        "code": sources_sha256(*_code(deps.settings)),
        "chat": _chat_identity(deps.settings, deps.chat),
        "device": rerank.device,
        "sha256": catalogue_sha256(rerank.model),
        "heads": heads_sha256(rerank),
        **_in_process(deps.settings),
    }
    # One name may stand for a model in this process and for another on a server. Told only where it is not the
    # default, under which many replies are kept.
    if (rerank.engine, rerank.base_url) != ("auto", None):
        identity |= {"engine": rerank.engine, "server": rerank.base_url}
    if rerank.passage_tokens != PASSAGE_TOKENS:
        identity["passage_tokens"] = rerank.passage_tokens
    return replace(deps, chat=chat, reranker=CachedReranker(deps.reranker, cache, identity))


class CachedChat:
    """`hopcite.chat.Chat`, asked once for each request."""

    def __init__(self, chat: Chat, cache: ReplyCache, identity: Mapping[str, object]) -> None:
        self._chat, self._cache, self._identity = chat, cache, identity
        self.model, self.context_tokens = chat.model, chat.context_tokens

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """A reply that a deadline cut short is not kept."""

        async def make(part: Budget) -> dict[str, Any]:
            return asdict(
                await self._chat.complete(messages, max_tokens=max_tokens, budget=part, stop=stop, on_text=on_text)
            )

        key = self._key("complete", messages, max_tokens=max_tokens, stop=list(stop), logprobs=True)
        value = await self._cache.through(key, budget, make, whole=lambda reply: reply["finish_reason"] != "deadline")
        return Completion(**{**value, "logprobs": tuple((token, logprob) for token, logprob in value["logprobs"])})

    async def parse(self, messages: Sequence[Message], schema: type[T], *, max_tokens: int, budget: Budget) -> T:
        """Kept as JSON."""

        async def make(part: Budget) -> dict[str, Any]:
            return (await self._chat.parse(messages, schema, max_tokens=max_tokens, budget=part)).model_dump(
                mode="json"
            )

        key = self._key("parse", messages, max_tokens=max_tokens, schema=schema.model_json_schema())
        return schema.model_validate(await self._cache.through(key, budget, make))

    async def label_logprobs(
        self, messages: Sequence[Message], labels: Sequence[str], *, budget: Budget
    ) -> dict[str, float]:
        """Kept by label."""

        async def make(part: Budget) -> dict[str, Any]:
            return await self._chat.label_logprobs(messages, labels, budget=part)

        return await self._cache.through(self._key("labels", messages, labels=list(labels)), budget, make)

    async def count_tokens(self, text: str) -> int:
        """Not kept: it costs next to nothing."""
        return await self._chat.count_tokens(text)

    async def aclose(self) -> None:
        """Close the chat; the cache belongs to the caller."""
        await self._chat.aclose()

    def _key(self, what: str, messages: Sequence[Message], **request: object) -> dict[str, object]:
        return {"what": what, "chat": self._identity, "messages": list(messages), **request}


class CachedReranker:
    """`retrieval.rerank.port.Reranker`, asked once for each query and list of candidates."""

    def __init__(self, reranker: Reranker, cache: ReplyCache, identity: Mapping[str, object]) -> None:
        self.name = reranker.name
        self._reranker, self._cache, self._identity = reranker, cache, identity

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        """What a spent budget cut short is not kept, nor what ended in an error."""

        async def make(part: Budget) -> dict[str, Any]:
            return asdict(await self._reranker.rerank(query, candidates, budget=part))

        key = {"what": "rerank", "reranker": self._identity, "query": query, "candidates": list(map(_read, candidates))}
        value = await self._cache.through(key, budget, make, whole=_all_ran)
        parts: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
        return Ranking(**parts)

    async def aclose(self) -> None:
        """Close the reranker."""
        await self._reranker.aclose()


def _all_ran(ranking: Mapping[str, Any]) -> bool:
    """Whether no method of a cascade was left out for want of budget, which its note tells.

    A flag on `Ranking` would tell it, too, but change the code under which all rankings are kept, and so lose them.
    """
    return not any(" did not run: " in note for note in ranking["notes"])


def _read(chunk: Chunk) -> list[str]:
    """What a reranker reads of a passage. A heading that only repeats the title is left out, as old keys have none."""
    more = [chunk.heading] if chunk.heading != chunk.title else []
    return [chunk.id, chunk.title, chunk.text, *more]


def _code(settings: Settings) -> list[str]:
    """The files that can change a ranking: by attention, whose replies cost the most, a few."""
    if settings.rerank.shuffles == 1 and set(settings.rerank.methods) <= {"none", "attention"}:
        return [f"retrieval/rerank/{name}.py" for name in _ATTENTION]
    return ["retrieval/rerank"]


def _in_process(settings: Settings) -> dict[str, object]:
    """What runs a reranker in this process: the libraries, and the state of its weights where they lie in a folder."""
    rerank = settings.rerank
    here = [method for method in rerank.methods if engine_of(method, rerank) == "in-process"]
    if not here:
        return {}
    read = {settings.encoder.model if method == "late-interaction" else rerank.model for method in here}
    return {
        "libraries": {name: installed(name) for name in ("torch", "transformers")},
        "folders": {model: _folder_digest(Path(model)) for model in sorted(read) if Path(model).is_dir()},
    }


def _folder_digest(folder: Path) -> str:
    """Over names, sizes and times of change: reading gigabytes would take longer than the replies that are saved."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    told = [f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in files]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _chat_identity(settings: Settings, chat: Chat) -> dict[str, object]:
    llm = settings.llm
    return {
        "model": chat.model,
        "sha256": catalogue_sha256(llm.model),
        "server": llm.base_url,
        "context_tokens": chat.context_tokens,
        **({} if llm.base_url else {"xllamacpp": installed("xllamacpp")}),
    }
