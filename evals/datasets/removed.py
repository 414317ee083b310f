"""A data set without what answers its questions: the test of whether a system says that it does not know."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from evals.datasets.types import Dataset, Question


def without_gold(dataset: Dataset) -> Dataset:
    """The corpus without the gold documents of all its questions, none of which can be answered then.

    Those of every question go, not only of those that are asked, so that the collection serves any selection.
    """
    gone = {id_ for question in dataset.questions for gold in question.gold for id_ in gold.document_ids}
    kept = f"{dataset.corpus_sha256} without the gold of {dataset.questions_sha256}"
    return replace(
        dataset,
        documents=tuple(document for document in dataset.documents if document.id not in gone),
        questions=tuple(_unanswerable(question, gone) for question in dataset.questions),
        corpus_sha256=hashlib.sha256(kept.encode()).hexdigest(),
        notes=(
            f"{len(gone)} gold documents were left out of the corpus, so that to abstain is right. Other documents may "
            "still hold an answer.",
        ),
    )


def _unanswerable(question: Question, gone: set[str]) -> Question:
    return Question(
        id=question.id,
        question=question.question,
        answers=(),
        type=question.type,
        gold=(),
        pool=tuple(id_ for id_ in question.pool if id_ not in gone),
        answerable=False,
    )
