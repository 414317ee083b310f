"""Question sets and their corpora, from normalised folders: `corpus.jsonl[.gz]` and `SPLIT.jsonl[.gz]`.

A line of the corpus has `id`, `title`, `text` and, where known, `sentences`, `source`, `author`, `published_at`, `url`.
A question has `id`, `question`, `answer` and its gold: `gold_titles` or `gold_ids`, HotpotQA's `supporting_facts`
([title, sentence index]), MultiHop-RAG's `question_type` and `evidence_list` ({title, fact}).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from hopcite.errors import UsageError
from hopcite.types import Document

NAMES = ("2wikimultihopqa", "hotpotqa", "multihop-rag", "musique")
_MULTIHOP_RAG_ARTICLES = 609
_EXAMPLES = 3


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
class Question:
    """A question with what is known of its answer."""

    id: str
    question: str
    answers: tuple[str, ...]
    """The gold answer, then its aliases."""
    type: str
    gold: tuple[Gold, ...]
    supporting_facts: tuple[SupportingFact, ...] = ()
    facts: tuple[str, ...] = ()
    """MultiHop-RAG's evidence, as its script looks for it."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One split of a question set with its corpus. The sha256 are of the files as they lie on disk."""

    name: str
    split: str
    documents: tuple[Document, ...]
    sentences: Mapping[str, tuple[str, ...]]
    """Document id to its official sentences, where the data set has them."""
    questions: tuple[Question, ...]
    corpus_sha256: str
    questions_sha256: str
    notes: tuple[str, ...]
    """What a reader of the figures must know about this data."""


class _Evidence(BaseModel):
    title: str
    fact: str = Field(min_length=1)


class DataLine(BaseModel):
    """What every line of a data file has."""

    id: str = Field(min_length=1)


class _PassageLine(DataLine):
    title: str
    text: str = Field(min_length=1)
    sentences: tuple[str, ...] = ()
    source: str | None = None
    author: str | None = None
    published_at: str | None = None
    url: str | None = None


class _QuestionLine(DataLine):
    question: str = Field(min_length=1)
    answer: str
    aliases: tuple[str, ...] = ()
    type: str = ""
    question_type: str = ""
    gold_titles: tuple[str, ...] = ()
    gold_ids: tuple[str, ...] = ()
    supporting_facts: tuple[tuple[str, int], ...] = ()
    evidence_list: tuple[_Evidence, ...] = ()


Line = TypeVar("Line", bound=DataLine)


def load_dataset(name: str, folder: Path, *, split: str) -> Dataset:
    """Read a folder and check it. `UsageError` names the file and the line of what is wrong."""
    if name not in NAMES:
        raise UsageError(f"There is no data set {name!r}; choose one of {', '.join(NAMES)}.")
    corpus_file, questions_file = data_file(folder, "corpus"), data_file(folder, split)
    passages = list(read_lines(corpus_file, _PassageLine))
    ids_by_title: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        ids_by_title[passage.title].append(passage.id)
    known = {passage.id for passage in passages}
    questions = tuple(_question(line, ids_by_title, known) for line in read_lines(questions_file, _QuestionLine))
    if not questions:
        raise UsageError(f"{questions_file} holds no questions.")
    return Dataset(
        name=name,
        split=split,
        documents=tuple(_document(passage, corpus_file) for passage in passages),
        sentences={passage.id: passage.sentences for passage in passages if passage.sentences},
        questions=questions,
        corpus_sha256=_sha256(corpus_file),
        questions_sha256=_sha256(questions_file),
        notes=tuple(_notes(name, passages, questions)),
    )


def select(questions: Sequence[Question], *, limit: int | None, seed: int | None) -> list[Question]:
    """The first `limit` questions, in the order of the file or, with a seed, in an order drawn from it.

    A larger limit with the same seed extends the selection. The order is by a hash of seed and id, so that it holds on
    every machine and version.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1; it was {limit}.")
    ordered = list(questions)
    if seed is not None:
        ordered.sort(key=lambda question: hashlib.sha256(f"{seed}:{question.id}".encode()).digest())
    return ordered[:limit]


def _question(line: _QuestionLine, ids_by_title: Mapping[str, Sequence[str]], known: set[str]) -> Question:
    if line.gold_ids:
        gold = [Gold(id_, (id_,) if id_ in known else ()) for id_ in dict.fromkeys(line.gold_ids)]
    else:
        titles = dict.fromkeys(line.gold_titles or [evidence.title for evidence in line.evidence_list])
        gold = [Gold(title, tuple(ids_by_title.get(title, ()))) for title in titles]
    return Question(
        id=line.id,
        question=line.question,
        answers=(line.answer, *line.aliases),
        type=line.type or line.question_type,
        gold=tuple(gold),
        supporting_facts=tuple(
            SupportingFact(title, next(iter(ids_by_title.get(title, ())), None), index)
            for title, index in dict.fromkeys(line.supporting_facts)
        ),
        facts=tuple(evidence.fact for evidence in line.evidence_list),
    )


def _document(passage: _PassageLine, corpus_file: Path) -> Document:
    facts = {
        "publisher": passage.source,
        "author": passage.author,
        "published_at": passage.published_at,
        "url": passage.url,
    }
    return Document(
        id=passage.id,
        title=passage.title,
        text=passage.text,
        source=f"{corpus_file.name}#{passage.id}",
        metadata={name: fact for name, fact in facts.items() if fact},
    )


def _notes(name: str, passages: Sequence[_PassageLine], questions: Iterable[Question]) -> Iterator[str]:
    missing = [gold.name for question in questions for gold in question.gold if not gold.document_ids]
    if missing:
        examples = ", ".join(map(repr, list(dict.fromkeys(missing))[:_EXAMPLES]))
        yield f"{len(missing)} gold passages are not in the corpus and count as missed: {examples}, …"
    if name == "multihop-rag" and len(passages) != _MULTIHOP_RAG_ARTICLES:
        yield (
            f"The corpus has {len(passages)} documents, not MultiHop-RAG's {_MULTIHOP_RAG_ARTICLES} articles: "
            "these figures do not compare with published ones."
        )


def data_file(folder: Path, stem: str) -> Path:
    """The file of this name, plain or compressed; `UsageError` when there is none."""
    for path in (folder / f"{stem}.jsonl", folder / f"{stem}.jsonl.gz"):
        if path.is_file():
            return path
    raise UsageError(
        f"There is no {stem}.jsonl or {stem}.jsonl.gz in {folder}; name the data set's folder with --data."
    )


def read_lines(path: Path, kind: type[Line]) -> Iterator[Line]:
    """Each line, checked. Empty lines are left out; an id that comes twice is an error."""
    first_seen: dict[str, int] = {}
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if not text.strip():
                    continue
                line = kind.model_validate_json(text)
                if line.id in first_seen:
                    raise UsageError(
                        f"{path}, line {number}: the id {line.id!r} is that of line {first_seen[line.id]}."
                    )
                first_seen[line.id] = number
                yield line
    except ValidationError as exc:
        problem = exc.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        raise UsageError(f"{path}, line {number}: {f'{field}: ' if field else ''}{problem['msg']}.") from exc
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UsageError(f"{path} is damaged or cut short after line {number}; fetch it again.") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
