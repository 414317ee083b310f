"""A person's own questions about a collection that is there already, as JSON Lines.

A line has `question` and, where known, `id`, `answer`, `aliases`, `type`, `answerable` (false: the right status is
`unanswerable`), `gold_documents` (ids, titles or file names) and `gold_quotes` (words that ought to be cited).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

from pydantic import BaseModel, ConfigDict, Field

from evals.datasets.lines import naming, rows, sha256
from evals.datasets.types import Dataset, Gold, Question, Quote
from evals.metrics.citations import locate_sentences
from hopcite.errors import UsageError
from ingest import Ledger

NAME = "custom"


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1)
    id: str = ""
    answer: str | None = None
    aliases: tuple[str, ...] = ()
    type: str = ""
    answerable: bool = True
    gold_documents: tuple[str, ...] = ()
    gold_quotes: tuple[str, ...] = ()


def load_questions(path: Path, *, ledger: Ledger, collection: str) -> Dataset:
    """Read a file of questions about `collection`. `UsageError` names the line, or the document that is not there."""
    if not path.is_file():
        raise UsageError(f"{path} is no file; --data names a JSON Lines file with one question a line.")
    entries = ledger.documents(collection)
    if not entries:
        raise UsageError(f"The collection {collection!r} is empty; `hopcite ingest PATH --collection {collection}`.")
    names: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for name in (entry.id, entry.title, entry.source, PurePath(entry.source).name):
            names[name].add(entry.id)
    texts = _Texts(ledger, collection, [entry.id for entry in entries])
    questions: dict[str, Question] = {}
    for place, row in rows(path):
        with naming(path, place):
            question = _question(_Line.model_validate(row), names, texts)
        if question.id in questions:
            raise UsageError(f"{path}, {place}: the question {question.id!r} comes twice; give each an id of its own.")
        questions[question.id] = question
    if not questions:
        raise UsageError(f"{path} holds no questions.")
    state = hashlib.sha256("\n".join(f"{entry.id} {entry.digest}" for entry in entries).encode()).hexdigest()
    return Dataset(NAME, path.stem, (), {}, tuple(questions.values()), state, sha256(path), ())


class _Texts:
    """The stored texts, read when a quote is looked for."""

    def __init__(self, ledger: Ledger, collection: str, ids: Sequence[str]) -> None:
        self._ledger, self._collection, self._ids = ledger, collection, ids

    def holding(self, quote: str, among: Iterable[str]) -> tuple[str, ...]:
        """The documents that hold the quote, whatever its white space; among all where `among` is empty."""
        ids = list(among) or self._ids
        texts = ((id_, self._ledger.document(self._collection, id_).text) for id_ in ids)
        return tuple(id_ for id_, text in texts if locate_sentences(text, [quote])[0] is not None)


def _question(line: _Line, names: Mapping[str, set[str]], texts: _Texts) -> Question:
    gold = []
    for name in dict.fromkeys(line.gold_documents):
        if name not in names:
            raise ValueError(f"gold document {name!r} is not in the collection")
        gold.append(Gold(name, tuple(sorted(names[name]))))
    among = [id_ for one in gold for id_ in one.document_ids]
    quotes = []
    for text in dict.fromkeys(line.gold_quotes):
        holders = texts.holding(text, among)
        if not holders:
            raise ValueError(f"gold quote {text[:60]!r} is in no document of the collection")
        quotes.append(Quote(text, holders))
    if not gold:
        gold = [Gold(quote.text[:60], quote.document_ids) for quote in quotes]
    return Question(
        id=line.id or hashlib.sha256(line.question.encode()).hexdigest()[:12],
        question=line.question,
        answers=() if line.answer is None else (line.answer, *line.aliases),
        type=line.type,
        gold=tuple(gold),
        quotes=tuple(quotes),
        answerable=line.answerable,
    )
