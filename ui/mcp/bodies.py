"""What the tools take and give. An answer's shape is `hopcite.wire.AnswerBody`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hopcite.settings import COLLECTION_NAME, Mode
from hopcite.types import Document
from ui.api.bodies import EntryBody

Collection = Annotated[
    str | None,
    Field(pattern=COLLECTION_NAME, description="The collection to use; left out, it is the default one."),
]


class Arguments(BaseModel):
    """What a model calls a tool with. The texts of the fields are written for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AskArguments(Arguments):
    """A question. What is left out is as the settings say."""

    question: str = Field(min_length=1, max_length=4000)
    """A whole question that can be understood without the conversation: names, not pronouns."""
    collection: Collection = None
    mode: Mode | None = None
    """When to split the question into sub-questions: adaptive (as the evidence asks for it), always, or never."""
    deadline: float | None = Field(default=None, gt=0, le=3600)
    """Seconds. What is known by then is the answer, with status `partial`."""


class SearchArguments(Arguments):
    """A query for passages."""

    query: str = Field(min_length=1, max_length=4000)
    """A question, or the words to look for."""
    limit: int = Field(default=10, ge=1, le=50)
    """Passages to return."""
    collection: Collection = None


class ListArguments(Arguments):
    """A page of the list of documents."""

    offset: int = Field(default=0, ge=0)
    """Documents to skip."""
    limit: int = Field(default=100, ge=1, le=500)
    """Documents to return."""
    collection: Collection = None


class ReadArguments(Arguments):
    """A part of one document."""

    document_id: str = Field(min_length=1, max_length=512)
    """The id, as citations, passages and `list_documents` name it."""
    start: int = Field(default=0, ge=0)
    """The first character to return; somewhat before a citation's `start` shows what it stands in."""
    length: int = Field(default=20_000, ge=1, le=100_000)
    """Characters to return."""
    collection: Collection = None


class ListingBody(BaseModel):
    """A page of the documents of a collection, and the names of all collections."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    collection: str
    collections: list[str]
    total: int
    """Documents in the collection; the page may hold fewer."""
    offset: int
    documents: list[EntryBody]


class ExcerptBody(BaseModel):
    """A part of a document. `start` and `end` are character offsets into the stored text, as a citation's are."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    document_id: str
    title: str
    source: str
    text: str
    start: int
    end: int
    total: int
    """Characters of the whole document."""
    metadata: dict[str, str]

    @classmethod
    def cut(cls, document: Document, start: int, length: int) -> ExcerptBody:
        """As much as there is of it."""
        text = document.text[start : start + length]
        return cls(
            document_id=document.id,
            title=document.title,
            source=document.source,
            text=text,
            start=start,
            end=start + len(text),
            total=len(document.text),
            metadata=dict(document.metadata),
        )
