"""The official files of the four sets, and the hub's layouts where they differ, translated to normalised records.

HotpotQA and 2WikiMultihopQA are lists of questions, each with its context: `[title, [sentence, …]]` pairs, or on the
hub one list of titles and one of sentence lists, or the pairs as JSON in a string. MuSiQue has `paragraphs` with
`is_supporting`. MultiHop-RAG has its corpus in a file of its own. The corpus of the first three is the pool of all
contexts, or a `*_corpus.json` of `{title, text}` beside the file (the layout of HippoRAG's subsets).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.datasets.lines import Asked, Passage, records, rows

Translated = tuple[list[Passage], list[Asked]]


def read_official(name: str, path: Path) -> Translated:
    """The passages and questions of an official file. `UsageError` names the record that does not fit."""
    return _READERS[name](path)


def corpus_beside(path: Path) -> Path | None:
    """The corpus file that belongs to a file of questions, where it is not the pool of their contexts."""
    stem = path.name.partition(".")[0]
    for name in (f"{stem}_corpus.json", "corpus.json"):
        if (path.parent / name).is_file():
            return path.parent / name
    return None


def passage_id(title: str, text: str) -> str:
    """16 hex digits over title and text: the same paragraph in two contexts is one passage."""
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:16]


def _with_contexts(path: Path) -> Translated:
    """HotpotQA's form, which 2WikiMultihopQA took over."""
    pool: dict[str, Passage] = {}

    def question(row: Mapping[str, Any]) -> Asked:
        context = [_paragraph(title, sentences) for title, sentences in _pairs(row["context"], "title", "sentences")]
        pool.update((passage.id, passage) for passage in context)
        facts = tuple((title, int(n)) for title, n in _pairs(row["supporting_facts"], "title", "sent_id"))
        return Asked(
            id=str(row.get("_id") or row["id"]),
            question=row["question"],
            answer=row["answer"],
            type=row.get("type") or "",
            gold_titles=tuple(dict.fromkeys(title for title, _ in facts)),
            supporting_facts=facts,
            pool_ids=tuple(passage.id for passage in context),
        )

    return _finished(path, question, pool)


def _musique(path: Path) -> Translated:
    pool: dict[str, Passage] = {}

    def question(row: Mapping[str, Any]) -> Asked:
        paragraphs = row["paragraphs"]
        passages = [_passage(paragraph["title"], paragraph["paragraph_text"]) for paragraph in paragraphs]
        pool.update((passage.id, passage) for passage in passages)
        supporting = [p for p, paragraph in zip(passages, paragraphs, strict=True) if paragraph["is_supporting"]]
        answerable = row.get("answerable", True)
        return Asked(
            # MuSiQue-Full has a question twice under one id: once with its paragraphs, once with one of them taken out.
            id=str(row["id"]) if answerable else f"{row['id']}/unanswerable",
            question=row["question"],
            answer=row["answer"],
            aliases=tuple(row.get("answer_aliases") or ()),
            type=str(row["id"]).partition("__")[0],
            gold_ids=tuple(passage.id for passage in supporting if answerable),
            pool_ids=tuple(passage.id for passage in passages),
            answerable=answerable,
        )

    return _finished(path, question, pool)


def _multihop_rag(path: Path) -> Translated:
    corpus = path.with_name("corpus.json")
    # An article that comes twice is one.
    articles = {passage.id: passage for passage in records(rows(corpus), _article, corpus, repeated=True)}
    times: Counter[str] = Counter()

    def question(row: Mapping[str, Any]) -> Asked:
        query = str(row["query"])
        times[query] += 1
        # There are no ids. The official scripts score a query as often as it comes.
        again = f"-{times[query]}" if times[query] > 1 else ""
        return Asked(
            id=hashlib.sha256(query.encode()).hexdigest()[:16] + again,
            question=row["query"],
            answer=row["answer"],
            question_type=row["question_type"],
            evidence_list=row["evidence_list"],
        )

    return list(articles.values()), list(records(rows(path), question, path))


def _article(row: Mapping[str, Any]) -> Passage:
    facts: dict[str, Any] = {name: row.get(name) for name in ("source", "author", "published_at", "url")}
    return Passage(id=passage_id(row["title"], row["body"]), title=row["title"], text=row["body"], **facts)


def _finished(path: Path, question: Callable[[Any], Asked], pool: Mapping[str, Passage]) -> Translated:
    asked = list(records(rows(path), question, path))  # fills the pool
    beside = corpus_beside(path)
    if beside is None:
        return list(pool.values()), asked
    passages = records(rows(beside), lambda row: _passage(row["title"], row["text"]), beside, repeated=True)
    return list(_joined({passage.id: passage for passage in passages}, pool)), asked


def _joined(corpus: Mapping[str, Passage], pool: Mapping[str, Passage]) -> Iterator[Passage]:
    """The corpus' passages, with the sentences that the contexts know of."""
    for id_, passage in corpus.items():
        yield pool.get(id_, passage)


def _paragraph(title: str, sentences: Iterable[str]) -> Passage:
    kept = tuple(sentences)
    text = "".join(kept).strip() or title  # a paragraph without text would lose its place in a context
    return Passage(id=passage_id(title, text), title=title, text=text, sentences=kept)


def _passage(title: str, text: str) -> Passage:
    return Passage(id=passage_id(title, text.strip() or title), title=title, text=text.strip() or title)


def _pairs(value: Any, first: str, second: str) -> list[tuple[Any, Any]]:
    """Pairs as the official files write them, or as on the hub: two parallel lists, or the pairs as JSON."""
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, Mapping):
        values = value.get(second, value.get("content"))
        return list(zip(value[first], values, strict=True))
    return [(one, other) for one, other in value]


_READERS: Mapping[str, Callable[[Path], Translated]] = {
    "hotpotqa": _with_contexts,
    "2wikimultihopqa": _with_contexts,
    "musique": _musique,
    "multihop-rag": _multihop_rag,
}
