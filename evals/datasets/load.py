"""From a data set's name and a path to its documents and questions, checked."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evals.datasets.lines import Asked, Passage, records, rows, sha256
from evals.datasets.official import corpus_beside, read_official
from evals.datasets.types import Dataset, Gold, Question, SupportingFact
from hopcite.errors import UsageError
from hopcite.types import Document

NAMES = ("2wikimultihopqa", "hotpotqa", "multihop-rag", "musique")
OFFICIAL: Mapping[str, tuple[str, ...]] = {
    "hotpotqa": (
        "hotpot_{split}_distractor_v1.json",
        "hotpot_{split}_fullwiki_v1.json",
        "hotpot_{split}_v1.1.json",
        "hotpotqa.json",
    ),
    "2wikimultihopqa": ("{split}.json", "2wikimultihopqa.json"),
    "musique": ("musique_ans_v1.0_{split}.jsonl", "musique_full_v1.0_{split}.jsonl", "musique.json"),
    "multihop-rag": ("MultiHopRAG.json",),
}
"""The official names, in the order in which they are looked for. Names without `{split}` hold the only split."""
_MULTIHOP_RAG_ARTICLES = 609
_EXAMPLES = 3


def load_dataset(name: str, path: Path, *, split: str) -> Dataset:
    """Read a folder of normalised or official files, or one official file, and check it.

    `UsageError` names the file and the place in it of what is wrong, or says which files a folder ought to hold.
    """
    if name not in NAMES:
        raise UsageError(f"There is no data set {name!r}; choose one of {', '.join(NAMES)}, or custom.")
    official = path if path.is_file() else _official(name, path, split)
    if official is None:
        corpus_file, questions_file = _normalised(path, "corpus", name), _normalised(path, split, name)
        passages = list(records(rows(corpus_file), Passage.model_validate, corpus_file))
        asked = list(records(rows(questions_file), Asked.model_validate, questions_file))
    else:
        corpus_file, questions_file = corpus_beside(official) or official, official
        passages, asked = read_official(name, official)
    return _dataset(name, split, passages, asked, corpus_file, questions_file)


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


def _dataset(
    name: str, split: str, passages: Sequence[Passage], asked: Sequence[Asked], corpus_file: Path, questions_file: Path
) -> Dataset:
    ids_by_title: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        ids_by_title[passage.title].append(passage.id)
    known = {passage.id for passage in passages}
    questions = tuple(_question(line, ids_by_title, known) for line in asked)
    if not questions:
        raise UsageError(f"{questions_file} holds no questions.")
    if not passages:
        raise UsageError(f"{corpus_file} holds no documents; fetch or make the file again.")
    return Dataset(
        name=name,
        split=split,
        documents=tuple(_document(passage, corpus_file) for passage in passages),
        sentences={passage.id: passage.sentences for passage in passages if passage.sentences},
        questions=questions,
        corpus_sha256=sha256(corpus_file),
        questions_sha256=sha256(questions_file),
        notes=tuple(_notes(name, passages, questions)),
    )


def _question(line: Asked, ids_by_title: Mapping[str, Sequence[str]], known: set[str]) -> Question:
    pooled = set(line.pool_ids)

    def of_title(title: str) -> tuple[str, ...]:
        """The question's own paragraph of this title where its context has one: titles repeat in large pools."""
        ids = tuple(ids_by_title.get(title, ()))
        return tuple(id_ for id_ in ids if id_ in pooled) or ids

    if line.gold_ids:
        gold = [Gold(id_, (id_,) if id_ in known else ()) for id_ in dict.fromkeys(line.gold_ids)]
    else:
        titles = dict.fromkeys(line.gold_titles or [evidence.title for evidence in line.evidence_list])
        gold = [Gold(title, of_title(title)) for title in titles]
    return Question(
        id=line.id,
        question=line.question,
        # With a question that can't be answered MuSiQue-Full gives the answer of its twin, MultiHop-RAG what to say.
        answers=(line.answer, *line.aliases) if line.answerable else (),
        type=line.type or line.question_type,
        gold=tuple(gold),
        supporting_facts=tuple(
            SupportingFact(title, next(iter(of_title(title)), None), index)
            for title, index in dict.fromkeys(line.supporting_facts)
        ),
        facts=tuple(evidence.fact for evidence in line.evidence_list),
        pool=tuple(id_ for id_ in line.pool_ids if id_ in known),
        answerable=line.answerable and line.question_type != "null_query",
    )


def _document(passage: Passage, corpus_file: Path) -> Document:
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


def _notes(name: str, passages: Sequence[Passage], questions: Sequence[Question]) -> Iterator[str]:
    missing = [gold.name for question in questions for gold in question.gold if not gold.document_ids]
    if missing:
        names = list(dict.fromkeys(missing))
        examples = ", ".join(map(repr, names[:_EXAMPLES])) + (", …" if len(names) > _EXAMPLES else "")
        are = "passages are" if len(missing) > 1 else "passage is"
        yield f"{len(missing)} gold {are} not in the corpus and count as missed: {examples}"
    if unanswerable := sum(not question.answerable and bool(question.pool) for question in questions):
        yield (
            f"{unanswerable} questions can't be answered from their own paragraphs; those of other questions may hold "
            "the answer, so ask them with --pool distractor."
        )
    if name == "multihop-rag" and len(passages) != _MULTIHOP_RAG_ARTICLES:
        yield (
            f"The corpus has {len(passages)} documents, not MultiHop-RAG's {_MULTIHOP_RAG_ARTICLES} articles: "
            "these figures do not compare with published ones."
        )


def _official(name: str, folder: Path, split: str) -> Path | None:
    names = [pattern.format(split=split) for pattern in OFFICIAL[name]]
    return next((folder / file for file in names if (folder / file).is_file()), None)


def _normalised(folder: Path, stem: str, name: str) -> Path:
    for path in (folder / f"{stem}.jsonl", folder / f"{stem}.jsonl.gz"):
        if path.is_file():
            return path
    wanted = " or ".join(pattern.format(split=stem) for pattern in OFFICIAL[name])
    official = "" if stem == "corpus" else f", nor {wanted}"
    raise UsageError(
        f"There is no {stem}.jsonl or {stem}.jsonl.gz in {folder}{official}; name the data set's folder with --data, "
        "and its questions with --split."
    )
