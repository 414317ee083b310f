"""The nouns of evaluation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hopcite.types import Document


@dataclass(frozen=True, slots=True)
class Gold:
    """A passage that the answer needs, and the documents of the corpus that are it: none when the corpus lacks it."""

    name: str
    document_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SupportingFact:
    """One gold sentence, by its index in its paragraph. `document_id` is None when the corpus lacks the paragraph."""

    title: str
    document_id: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Quote:
    """Words that ought to be cited, and the documents that hold them."""

    text: str
    document_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what is known of its answer."""

    id: str
    question: str
    answers: tuple[str, ...]
    """The gold answer, then its aliases. None: the answer is not known, and is not scored."""
    type: str
    gold: tuple[Gold, ...]
    supporting_facts: tuple[SupportingFact, ...] = ()
    facts: tuple[str, ...] = ()
    """MultiHop-RAG's evidence, as its script looks for it."""
    quotes: tuple[Quote, ...] = ()
    pool: tuple[str, ...] = ()
    """The documents that the data set hands out with this question; empty where it names none."""
    answerable: bool = True
    """False: the documents do not hold the answer, and the right status is `unanswerable`."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One split of a question set with its corpus. The sha256 are of the files as they lie on disk."""

    name: str
    split: str
    documents: tuple[Document, ...]
    """Empty for questions about a collection that is there already."""
    sentences: Mapping[str, tuple[str, ...]]
    """Document id to its official sentences, where the data set has them."""
    questions: tuple[Question, ...]
    corpus_sha256: str
    questions_sha256: str
    notes: tuple[str, ...]
    """What a reader of the figures must know about this data."""
