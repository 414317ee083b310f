"""The open parts that all requests of a server share: opened on first use, once, and closed with it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from agent import AnswerOptions, Deps, StageEvent, Threads, answer_question
from agent.prompts import OPENINGS
from hopcite.chat import Chat
from hopcite.errors import HopciteError, UsageError
from hopcite.openai_chat import open_chat
from hopcite.recording import RecordingChat
from hopcite.settings import COLLECTION_NAME, RerankMethod, SearchMode, Settings
from hopcite.types import Answer, Document, Hit
from ingest import (
    IngestReport,
    Ledger,
    LedgerEntry,
    Progress,
    delete_documents,
    ingest_documents,
    ingest_upload,
    open_ledger,
)
from retrieval import Collection, Encoder, list_collections, open_collection, open_encoder, open_reranker
from retrieval.rerank.port import Reranker

T = TypeVar("T")
OnProgress = Callable[[Progress], None]
log = logging.getLogger("hopcite.server")


class Parts:
    """Every door's way to the encoder, the collections, the ledger, the threads, the reranker and the model.

    Belongs to one event loop. Reading blocks threads of the loop's pool; everything that writes runs in one thread of
    its own, one job after another, so that an index and its ledger never see two writers, and a caller who goes away
    does not stop a write half way. A part that is given is used in place of the one that the settings name.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        encoder: Encoder | None = None,
        chat: Chat | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.settings = settings
        self.threads = Threads(settings)
        self.given = frozenset(
            name for name, part in (("encoder", encoder), ("llm", chat), ("reranker", reranker)) if part is not None
        )
        self._encoder = encoder
        self._chat = chat
        self._rerankers: dict[RerankMethod, Reranker] = {settings.rerank.method: reranker} if reranker else {}
        self._collections: dict[str, Collection] = {}
        self._opening = asyncio.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hopcite-writer")
        self._asking = asyncio.Semaphore(settings.llm.concurrency)
        self.warming = False

    async def collection(self, name: str | None = None, *, create: bool = False) -> Collection:
        """The open collection of this name, by default the settings' own. Raises `NotFound` when there is none."""
        # A caller who goes away must not leave behind a store that is open and that nobody knows of.
        return await asyncio.shield(self._open_collection(self._checked(name), create=create))

    async def _open_collection(self, name: str, *, create: bool) -> Collection:
        async with self._opening:
            if self._encoder is None:
                self._encoder = await asyncio.to_thread(open_encoder, self.settings)
            if name not in self._collections:
                self._collections[name] = await asyncio.to_thread(
                    open_collection, self.settings, self._encoder, name=name, create=create
                )
            return self._collections[name]

    async def ask(
        self,
        question: str,
        *,
        options: AnswerOptions,
        collection: str | None = None,
        rerank: RerankMethod | None = None,
        on_event: Callable[[StageEvent], None] | None = None,
    ) -> Answer:
        """Answer a question; as many at once as `llm.concurrency` allows, the rest wait their turn."""
        async with self._asking:
            opened = await self.collection(collection)
            deps = Deps(
                settings=self.settings,
                collection=opened,
                reranker=await asyncio.shield(self._open_reranker(rerank or self.settings.rerank.method)),
                chat=self._open_chat(),
                threads=self.threads,
            )
            return await answer_question(question, deps=deps, options=options, on_event=on_event)

    async def search(
        self, query: str, *, limit: int, mode: SearchMode | None = None, collection: str | None = None
    ) -> list[Hit]:
        """The best passages for a query, without a language model. `mode` None: as the settings say."""
        opened = await self.collection(collection)
        [hits] = await asyncio.to_thread(opened.search, [query], limit=limit, mode=mode)
        return hits

    async def collections(self) -> list[str]:
        """The names of all collections, and of the default one even before it exists."""
        names = await asyncio.to_thread(list_collections, self.settings)
        return sorted({*names, self.settings.collection})

    async def documents(self, collection: str | None = None) -> list[LedgerEntry]:
        """What the collection holds; nothing when it does not exist yet."""
        return await asyncio.to_thread(self._with_ledger, lambda ledger: ledger.documents(self._checked(collection)))

    async def document(self, document_id: str, *, collection: str | None = None) -> Document:
        """One stored document. Raises `NotFound`."""
        name = self._checked(collection)
        return await asyncio.to_thread(self._with_ledger, lambda ledger: ledger.document(name, document_id))

    async def add_file(
        self, name: str, data: bytes, *, collection: str | None = None, progress: OnProgress | None = None
    ) -> IngestReport:
        """Ingest an uploaded file. `progress` is called from another thread."""
        opened = await self.collection(collection, create=True)
        return await self._write(
            lambda ledger: ingest_upload(
                name, data, collection=opened, ledger=ledger, settings=self.settings, progress=progress
            )
        )

    async def add_documents(self, documents: Sequence[Document], *, collection: str | None = None) -> IngestReport:
        """Ingest texts that the caller brings."""
        opened = await self.collection(collection, create=True)
        return await self._write(
            lambda ledger: ingest_documents(
                documents, collection=opened, ledger=ledger, settings=self.settings, progress=None
            )
        )

    async def delete(self, document_ids: Sequence[str], *, collection: str | None = None) -> int:
        """Remove documents and their passages. Raises `NotFound`, and then removes nothing."""
        opened = await self.collection(collection)
        return await self._write(lambda ledger: delete_documents(document_ids, collection=opened, ledger=ledger))

    async def warm_up(self) -> None:
        """Load the encoder and open the default collection, so that the first question does not wait for them.

        What cannot be opened yet is left to the request that needs it, which then gets the error, and to `/readyz`.
        """
        self.warming = True
        try:
            opened = await self.collection()
            await asyncio.to_thread(opened.encoder.encode_queries, ["warm-up"])
        except HopciteError as exc:
            log.info("Not warmed up: %s", exc)
        finally:
            self.warming = False

    async def aclose(self) -> None:
        """Finish the write and the opening under way, then close everything that was opened."""
        await asyncio.to_thread(self._writer.shutdown, wait=True, cancel_futures=True)
        await self.threads.aclose()
        async with self._opening:
            for opened in self._collections.values():
                await asyncio.to_thread(opened.close)
            for reranker in self._rerankers.values():
                await reranker.aclose()
            if self._chat is not None:
                await self._chat.aclose()

    def _checked(self, name: str | None) -> str:
        name = self.settings.collection if name is None else name
        # It becomes the name of a folder, so it is held to the pattern that the settings have for it.
        if not re.fullmatch(COLLECTION_NAME, name):
            raise UsageError(f"{name!r} is no collection name: use 1 to 64 letters, digits, '-' and '_'.")
        return name

    def _open_chat(self) -> Chat:
        if self._chat is None:
            self._chat = RecordingChat(open_chat(self.settings, openings=OPENINGS))
        return self._chat

    async def _open_reranker(self, method: RerankMethod) -> Reranker:
        async with self._opening:
            if method not in self._rerankers:
                rerank = self.settings.rerank.model_copy(update={"method": method})
                settings = self.settings.model_copy(update={"rerank": rerank})
                self._rerankers[method] = await asyncio.to_thread(open_reranker, settings, self._open_chat())
            return self._rerankers[method]

    async def _write(self, job: Callable[[Ledger], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._with_ledger, job)

    def _with_ledger(self, job: Callable[[Ledger], T]) -> T:
        """A connection to SQLite costs little, and with one for each job no reader waits for the writer."""
        with open_ledger(self.settings) as ledger:
            return job(ledger)
