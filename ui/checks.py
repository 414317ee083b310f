"""The checks of `hopcite doctor`: each makes a real call of one part, small enough to know the right result by hand."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import shutil
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from agent import AnswerOptions, Threads
from agent.calibration import conditions, in_force, read_calibration
from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.errors import HopciteError, OperatorError, WorkFailed
from hopcite.openai_chat import open_chat
from hopcite.settings import Settings
from hopcite.types import Chunk
from ingest import open_ledger
from retrieval import Encoder, drop_collection, open_collection, open_encoder, open_reranker

_TOPIC = "Lighthouses"
_PASSAGES = (
    ("Bread", "Rye bread keeps for a week when it is wrapped in cloth."),
    (_TOPIC, "A lighthouse warns ships of rocks with a bright lamp that turns at night."),
    ("Chess", "A chess game begins with sixteen pieces on each side of the board."),
)
_QUESTION = "What warns ships of rocks at night?"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `fix` says what to do about a failure."""

    part: str
    ok: bool
    detail: str
    fix: str = ""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


Check = Callable[[], Awaitable[str]]


async def check_all(settings: Settings, *, on_start: Callable[[str], None]) -> list[Finding]:
    """Check the parts one after the other. A part that needs one that failed fails with the same line."""
    chat = open_chat(settings)
    try:
        parts: dict[str, Check] = {
            "data folder": lambda: _data_folder(settings),
            "encoder": lambda: _encoder(settings),
            "store": lambda: _store(settings),
            "threads": lambda: _threads(settings),
            "llm reply": lambda: _reply(chat),
            "llm schema": lambda: _schema(chat),
            "llm logprobs": lambda: _logprobs(chat),
            "reranker": lambda: _reranker(settings, chat),
            "confidence": lambda: _confidence(settings, chat),
        }
        findings = []
        for part, check in parts.items():
            on_start(part)
            findings.append(await _found(part, check))
        return findings
    finally:
        await chat.aclose()


async def _found(part: str, check: Check) -> Finding:
    started = time.perf_counter()
    try:
        detail = await check()
    except HopciteError as exc:
        return Finding(part, ok=False, detail=exc.title, fix=str(exc), seconds=_since(started))
    return Finding(part, ok=True, detail=detail, seconds=_since(started))


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


async def _data_folder(settings: Settings) -> str:
    """The ledger opens, and can be written."""
    with open_ledger(settings) as ledger:
        documents = len(ledger.documents(settings.collection))
    free = shutil.disk_usage(settings.data_dir).free
    return f"{settings.data_dir}: {documents} documents in {settings.collection!r}, {free / 1e9:.0f} GB free"


async def _encoder(settings: Settings) -> str:
    """The nearest of three passages is the obvious one."""
    encoder = open_encoder(settings)
    documents = await asyncio.to_thread(encoder.encode_documents, [f"{title}\n{text}" for title, text in _PASSAGES])
    [query] = await asyncio.to_thread(encoder.encode_queries, [_QUESTION])
    likeness = [math.fsum(a * b for a, b in zip(query.dense, vectors.dense, strict=True)) for vectors in documents]
    best = _PASSAGES[likeness.index(max(likeness))][0]
    if best != _TOPIC:
        raise OperatorError(f"{settings.encoder.model} finds {best!r} nearest to {_QUESTION!r}; set encoder.model.")
    return f"{settings.encoder.model}: {encoder.dimensions} dimensions, {encoder.max_tokens} tokens"


async def _store(settings: Settings) -> str:
    """A collection of its own is written, searched and dropped; then the default one opens."""
    encoder = open_encoder(settings)
    best = await asyncio.to_thread(_round_trip, settings, encoder)
    if best != _TOPIC:
        raise OperatorError(f"A search for {_QUESTION!r} found {best!r} first; see the log of the store.")
    where = settings.qdrant.url or f"Qdrant Edge in {settings.data_dir}"
    with open_ledger(settings) as ledger:
        if not ledger.documents(settings.collection):
            return f"{where}: written and searched"
    opened = await asyncio.to_thread(open_collection, settings, encoder)
    opened.close()
    return f"{where}: written and searched; {settings.collection!r} opens"


def _round_trip(settings: Settings, encoder: Encoder) -> str:
    with _scratch(settings) as (scratch, name):
        opened = open_collection(scratch, encoder, name=name, create=True)
        try:
            opened.add(_chunks())
            [hits] = opened.search([_QUESTION], limit=1, hops=False)
            return hits[0].chunk.title if hits else ""
        finally:
            opened.close()
            drop_collection(scratch, name)


@contextmanager
def _scratch(settings: Settings) -> Iterator[tuple[Settings, str]]:
    """Settings with a data folder that goes away, beside the real one: what is checked is the same disk."""
    try:
        made = tempfile.TemporaryDirectory(prefix="doctor-", dir=settings.data_dir)
    except OSError as exc:
        raise OperatorError(f"{settings.data_dir} cannot be written ({exc.strerror}); set HOPCITE_DATA_DIR.") from exc
    with made as folder:
        yield settings.model_copy(update={"data_dir": Path(folder)}), f"doctor-{uuid.uuid4().hex[:12]}"


async def _threads(settings: Settings) -> str:
    """The conversations can be listed."""
    threads = Threads(settings)
    try:
        found = len(await threads.all())
    finally:
        await threads.aclose()
    # The address may hold a password.
    where = "the database of threads.url" if settings.threads.url else str(settings.data_dir)
    return f"{where}: {found} conversations"


async def _reply(chat: Chat) -> str:
    """A question that every model can answer."""
    reply = await chat.complete(
        [{"role": "user", "content": "Write the number that follows 41. Only the number."}],
        max_tokens=16,
        budget=Budget(deadline_s=300),
    )
    if "42" not in reply.text:
        raise WorkFailed(f"{chat.model} replied {reply.text!r} when asked for the number after 41; set llm.model.")
    return f"{chat.model}: answers, window of {chat.context_tokens} tokens"


class _Animal(BaseModel):
    animal: Literal["cat", "dog"]


async def _schema(chat: Chat) -> str:
    """The prompt asks for prose; only a server that enforces the schema returns JSON that fits it."""
    budget = Budget(deadline_s=300)
    found = await chat.parse(
        [{"role": "user", "content": "Which animal barks? Reply in one plain sentence, without JSON."}],
        _Animal,
        max_tokens=32,
        budget=budget,
    )
    repaired = " after a repair: the server does not enforce it" if budget.llm_calls > 1 else ""
    return f"JSON schema honoured{repaired} ({found.animal})"


async def _logprobs(chat: Chat) -> str:
    """The letters of a choice have probabilities, and the right one the higher."""
    found = await chat.label_logprobs(
        [{"role": "user", "content": "Which is larger? A: an ant. B: an elephant. Reply with the letter only."}],
        ["A", "B"],
        budget=Budget(deadline_s=300),
    )
    if not found:
        raise OperatorError(
            "The server reports no log-probabilities; allow them there, or don't set rerank to letters."
        )
    likeliest = max(found, key=lambda label: found[label])
    if likeliest != "B":
        raise WorkFailed(f"{chat.model} takes an ant to be larger than an elephant; set llm.model to a better one.")
    return f"log-probabilities of {len(found)} of 2 labels, the right one first"


async def _reranker(settings: Settings, chat: Chat) -> str:
    """The obvious passage of three comes first."""
    reranker = open_reranker(settings, chat)
    try:
        ranking = await reranker.rerank(_QUESTION, _chunks(), budget=Budget(deadline_s=600))
    finally:
        await reranker.aclose()
    if settings.rerank.method == "none":
        return "none: the first stage's order is kept"
    best = _PASSAGES[ranking.order[0]][0]
    if not ranking.valid or best != _TOPIC:
        why = "; ".join(ranking.notes) or f"it puts {best!r} first for {_QUESTION!r}"
        raise WorkFailed(f"{reranker.name} does not rank: {why}. Set rerank.method or rerank.model.")
    return f"{reranker.name}: an obvious passage ranked first"


async def _confidence(settings: Settings, chat: Chat) -> str:
    """Whether a calibration holds. None, or one for other settings, is no fault: confidence is then told as it is."""
    read_calibration(settings.data_dir)
    reranker = open_reranker(settings, chat)
    try:
        now = conditions(
            settings,
            AnswerOptions.from_settings(settings),
            llm=chat.model,
            encoder=open_encoder(settings).fingerprint,
            reranker=reranker.name,
        )
    finally:
        await reranker.aclose()
    return in_force(settings.data_dir, now)[1]


def _chunks() -> list[Chunk]:
    return [
        Chunk(str(uuid.uuid5(uuid.NAMESPACE_OID, title)), title, title, "doctor", text, 0, len(text), 0)
        for title, text in _PASSAGES
    ]
