"""Lists to rerank: candidates with their relevance from a file, or the first stage's for a multi-hop data set.

A line of `candidates.jsonl[.gz]` has `id`, `query`, and `candidates` in first-stage order: `id`, `text` and, where
known, `title` and `relevance`. `qrels` maps every judged document, found or not, to its relevance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from evals.corpus import ingest_corpus
from evals.datasets import NAMES, Question, load_dataset, select
from evals.datasets.lines import records, rows
from evals.metrics.passages import ranked_documents
from hopcite.errors import UsageError
from hopcite.settings import Settings
from hopcite.types import Chunk, Hit
from ingest import open_ledger
from retrieval import Encoder, open_collection, open_encoder

_SEARCHED_AT_ONCE = 16
# TREC's deep learning track grades 0 to 3, and counts 2 and 3 as relevant where a measure knows only yes and no.
_FOUR_GRADES = 3
# trec_eval's memory grows with the highest grade: from 2**31 - 1 on, or with too little memory, it tells zeros, and
# beyond 64 bits it fails.
_HIGHEST = 1_000_000
_Grade = Annotated[int, Field(ge=-_HIGHEST, le=_HIGHEST)]


@dataclass(frozen=True, slots=True)
class RerankQuery:
    """One list. `documents` are the names under which its candidates are judged: several may be one document."""

    id: str
    query: str
    candidates: tuple[Chunk, ...]
    documents: tuple[str, ...]
    relevance: Mapping[str, int]
    first: tuple[float, ...] | None = None
    """The first stage's scores of the candidates, where they are known."""


@dataclass(frozen=True, slots=True)
class RerankData:
    """Lists of one source. `relevant_from` is the lowest grade that counts as relevant."""

    name: str
    queries: tuple[RerankQuery, ...]
    relevant_from: int


OnProgress = Callable[[str, int, int | None], None]
"""What is being done, how much of it is, and of how much."""


class _Candidate(BaseModel):
    id: str = Field(min_length=1)
    text: str
    title: str = ""
    relevance: _Grade = 0


class _Line(BaseModel):
    id: str = Field(min_length=1)
    query: str = Field(min_length=1)
    candidates: tuple[_Candidate, ...]
    qrels: dict[str, _Grade] | None = None

    @field_validator("candidates")
    @classmethod
    def _ids_differ(cls, candidates: tuple[_Candidate, ...]) -> tuple[_Candidate, ...]:
        if len({candidate.id for candidate in candidates}) < len(candidates):
            raise ValueError("an id comes twice")
        return candidates


def load_lists(
    folder: Path,
    *,
    split: str,
    limit: int | None,
    passages: int,
    settings: Settings,
    progress: OnProgress,
    encoder: Encoder | None = None,
) -> RerankData:
    """Read a folder of candidates, or ingest a multi-hop data set's corpus and search it for `passages` a question.

    `UsageError` names what is wrong: no such folder, a bad line, a folder that is neither.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1; it was {limit}.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name one that holds candidates.jsonl, or a data set's.")
    for ending in ("", ".gz"):
        if (file := folder / f"candidates.jsonl{ending}").is_file():
            return _from_file(file, limit)
    if folder.name not in NAMES:
        raise UsageError(
            f"{folder} holds no candidates.jsonl, and its name is none of the data sets' ({', '.join(NAMES)})."
        )
    dataset = load_dataset(folder.name, folder, split=split)
    questions = select([question for question in dataset.questions if question.gold], limit=limit, seed=None)
    if not questions:
        raise UsageError(f"No question of {folder} names the passages that it needs; choose another --split.")
    encoder = encoder or open_encoder(settings)
    with open_ledger(settings) as ledger:
        name = ingest_corpus(
            dataset,
            encoder=encoder,
            ledger=ledger,
            settings=settings,
            progress=lambda done, total: progress("Ingesting", done, total),
        )
    found = _searched(questions, name, passages, encoder, settings, progress)
    return RerankData(f"{dataset.name} {split}", tuple(map(_judged, questions, found)), relevant_from=1)


def _from_file(file: Path, limit: int | None) -> RerankData:
    queries = [_listed(line) for line in records(rows(file), _Line.model_validate, file)]
    highest = max((grade for query in queries for grade in query.relevance.values()), default=0)
    if highest < 1:
        raise UsageError(f"{file} holds no relevant passage; give candidates a relevance, or lines their qrels.")
    return RerankData(file.parent.name, tuple(queries[:limit]), relevant_from=2 if highest >= _FOUR_GRADES else 1)


def _listed(line: _Line) -> RerankQuery:
    chunks = tuple(
        Chunk(candidate.id, candidate.id, candidate.title, "candidates", candidate.text, 0, len(candidate.text), 0)
        for candidate in line.candidates
    )
    relevance = {candidate.id: candidate.relevance for candidate in line.candidates} | (line.qrels or {})
    return RerankQuery(line.id, line.query, chunks, tuple(chunk.id for chunk in chunks), relevance)


def _searched(
    questions: Sequence[Question],
    collection: str,
    passages: int,
    encoder: Encoder,
    settings: Settings,
    progress: OnProgress,
) -> list[list[Hit]]:
    opened = open_collection(settings, encoder, name=collection)
    found: list[list[Hit]] = []
    try:
        for start in range(0, len(questions), _SEARCHED_AT_ONCE):
            asked = [question.question for question in questions[start : start + _SEARCHED_AT_ONCE]]
            found += opened.search(asked, limit=passages)
            progress("Searching", len(found), len(questions))
    finally:
        opened.close()
    return found


def _judged(question: Question, hits: Sequence[Hit]) -> RerankQuery:
    """Gold passages have relevance 1, whichever of their documents is found, also those that the corpus lacks."""
    gold_of = {document: f"gold:{gold.name}" for gold in question.gold for document in gold.document_ids}
    chunks = tuple(hit.chunk for hit in hits)
    documents = tuple(gold_of.get(chunk.document_id, chunk.document_id) for chunk in chunks)
    relevance = {f"gold:{gold.name}": 1 for gold in question.gold}
    first = tuple(hit.retrieval_score for hit in hits)
    return RerankQuery(question.id, question.question, chunks, documents, relevance, first)


def ranked_names(query: RerankQuery, order: Sequence[int]) -> list[str]:
    """The judged names in the order of a ranking of the first candidates, the others below as they came."""
    rest = range(len(order), len(query.documents))
    return ranked_documents(query.documents[place] for place in (*order, *rest))
