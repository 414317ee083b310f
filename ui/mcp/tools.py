"""The tools: what a model is told of each, and what each does. None changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from agent import AnswerOptions
from hopcite.errors import UsageError
from hopcite.wire import AnswerBody
from ui.api.bodies import EntryBody, HitBody, HitsBody
from ui.faults import first_fault
from ui.mcp import texts
from ui.mcp.bodies import (
    Arguments,
    AskArguments,
    ExcerptBody,
    ListArguments,
    ListingBody,
    ReadArguments,
    SearchArguments,
)
from ui.mcp.progress import Say, told
from ui.state import Parts

A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """A result twice: for the client's model to read, and for a program."""

    text: str
    body: BaseModel


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """One tool. `description` is what a model chooses it by."""

    name: str
    title: str
    description: str
    takes: type[A]
    gives: type[BaseModel]
    work: Callable[[Parts, A, Say], Awaitable[Reply]]

    async def run(self, parts: Parts, given: Mapping[str, Any], say: Say) -> Reply:
        """Check the arguments and do the work. Raises `UsageError` when they are wrong, and what the work raises."""
        try:
            arguments = self.takes.model_validate(given)
        except ValidationError as exc:
            raise UsageError(first_fault(exc.errors())) from exc
        return await self.work(parts, arguments, say)


async def _ask(parts: Parts, asked: AskArguments, say: Say) -> Reply:
    own = {"mode": asked.mode, "deadline_s": asked.deadline}
    given: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    options = replace(AnswerOptions.from_settings(parts.settings), **given)
    answer = await told(
        lambda emit: parts.ask(asked.question, options=options, collection=asked.collection, on_event=emit), say
    )
    return Reply(texts.answer_text(answer), AnswerBody.from_answer(answer))


async def _search(parts: Parts, asked: SearchArguments, _: Say) -> Reply:
    hits = await parts.search(asked.query, limit=asked.limit, collection=asked.collection)
    return Reply(texts.hits_text(hits), HitsBody(hits=[HitBody.from_hit(hit) for hit in hits]))


async def _list(parts: Parts, asked: ListArguments, _: Say) -> Reply:
    entries = await parts.documents(asked.collection)
    listing = ListingBody(
        collection=asked.collection or parts.settings.collection,
        collections=await parts.collections(),
        total=len(entries),
        offset=asked.offset,
        documents=[EntryBody.from_entry(entry) for entry in entries[asked.offset : asked.offset + asked.limit]],
    )
    return Reply(texts.listing_text(listing), listing)


async def _read(parts: Parts, asked: ReadArguments, _: Say) -> Reply:
    document = await parts.document(asked.document_id, collection=asked.collection)
    if asked.start > len(document.text):
        raise UsageError(f"start: {document.id!r} has {len(document.text)} characters; it was {asked.start}.")
    excerpt = ExcerptBody.cut(document, asked.start, asked.length)
    return Reply(texts.excerpt_text(excerpt), excerpt)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="ask",
        title="Ask the documents",
        description=(
            "Answer a question from the user's own documents. It searches, follows names from one document to the "
            "next, and writes an answer in which a marker such as [1] stands for an exact quote. Use it when the "
            "answer needs several documents or must be backed by quotes. It takes from seconds to minutes; `search` "
            "is faster. Status `unanswerable` means that the documents do not hold the answer, `partial` that some "
            "of it is missing or doubtful."
        ),
        takes=AskArguments,
        gives=AnswerBody,
        work=_ask,
    ),
    Tool(
        name="search",
        title="Search the documents",
        description=(
            "Find passages in the user's own documents, by meaning and by words, best first. Fast: no language model "
            "is asked. Use it to look something up, to see what the documents say about a subject, or to read the "
            "evidence yourself; `read_document` shows what stands around a passage."
        ),
        takes=SearchArguments,
        gives=HitsBody,
        work=_search,
    ),
    Tool(
        name="list_documents",
        title="List the documents",
        description=(
            "List the user's documents with their ids and titles, and the collections that there are. Use it to learn "
            "what there is to ask about; to find something in the documents use `search`."
        ),
        takes=ListArguments,
        gives=ListingBody,
        work=_list,
    ),
    Tool(
        name="read_document",
        title="Read a document",
        description=(
            "Read the stored text of one document, or a part of it. Use it to see a citation or a passage in its "
            "surroundings: their offsets count characters of this text."
        ),
        takes=ReadArguments,
        gives=ExcerptBody,
        work=_read,
    ),
)
