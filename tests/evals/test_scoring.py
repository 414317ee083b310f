"""Answers against their gold, with values worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evals.datasets import Dataset, Question, SupportingFact
from evals.datasets.types import Gold, Quote
from evals.scoring import Scored, retrieval_scores, score
from hopcite.types import Answer, Chunk, Citation, Hit, Usage

TEXTS = {"a": "One is first. Two is second.", "b": "One is first.", "c": "Elsewhere."}
SENTENCES = {"a": ("One is first.", " Two is second."), "b": ("One is first.",), "c": ("Not in the text.",)}


def question(
    *, gold: Sequence[Gold] = (), facts: Sequence[SupportingFact] = (), quotes: Sequence[Quote] = ()
) -> Question:
    return Question("q", "Which?", ("two",), "", tuple(gold), tuple(facts), quotes=tuple(quotes))


def answer(*cited: tuple[str, str], found: Sequence[str] = ()) -> Answer:
    """Cites these (document, quote): a quote that is not in the text is fabricated."""
    citations = []
    for n, (document, quote) in enumerate(cited, start=1):
        start = max(0, TEXTS[document].find(quote))
        end = start + len(quote)
        citations.append(Citation(n, document, "", "", None, f"{document}-0", start, end, quote, verified=True))
    hits = [Hit(Chunk(f"{id_}-0", id_, "", "", "", 0, 0, 0), rank, 1.0) for rank, id_ in enumerate(found, start=1)]
    return Answer("Which?", "two", "two", "answered", 0.5, (), tuple(citations), (), tuple(hits), Usage(), {})


def scored(given: Answer, asked: Question) -> Scored:
    dataset = Dataset("hotpotqa", "test", (), SENTENCES, (asked,), "", "", ())
    return score(given, asked, dataset=dataset, stored_text=TEXTS.get, retrieved=False, written=True)


@pytest.mark.parametrize(
    "lacking", [SupportingFact("Not there", None, 0), SupportingFact("B", "b", 1), SupportingFact("B", "b", 7)]
)
def test_a_supporting_fact_that_cannot_be_cited_is_missed(lacking: SupportingFact) -> None:
    asked = question(facts=[SupportingFact("A", "a", 0), lacking])
    found = scored(answer(("a", "One is first.")), asked)
    # Predicted 1, gold 2, shared 1: P 1, R 1/2, F1 2/3, as hotpot_evaluate_v1.py counts a false negative.
    names = ("sp_em", "sp_precision", "sp_recall", "sp_f1", "joint_f1")
    assert [found.scores[name] for name in names] == pytest.approx([0, 1, 1 / 2, 2 / 3, 2 / 3])
    assert found.unlocated_sentences == 0


@pytest.mark.parametrize(("document", "why"), [("c", "not in the stored text"), ("d", "no official sentences")])
def test_a_question_whose_sentences_are_not_known_has_no_such_scores(document: str, why: str) -> None:
    asked = question(facts=[SupportingFact("A", "a", 0), SupportingFact("X", document, 0)])
    found = scored(answer(("a", "One is first.")), asked)
    assert ("sp_f1" in found.scores, found.unlocated_sentences) == (False, 1), why


def test_a_document_that_is_several_gold_passages_counts_for_all_of_them() -> None:
    asked = question(gold=[Gold("first quote", ("a",)), Gold("second quote", ("a",))])
    found = retrieval_scores(answer(found=["a", "b"]), asked)
    assert (found["ap@10"], found["ndcg@10"], found["recall@2"]) == (1.0, 1.0, 1.0)


def test_words_that_stand_in_several_documents_may_be_cited_from_any() -> None:
    asked = question(quotes=[Quote("One  is first.", ("a", "b"))])
    for document, quote, hit in (("a", "One is", 1), ("b", "is first.", 1), ("a", "Two is", 0), ("c", "Else", 0)):
        found = scored(answer((document, quote)), asked).scores
        assert (found["citation_recall"], found["citation_precision"]) == (hit, hit), (document, quote)


def test_fabricated_citations_lower_the_precision() -> None:
    asked = question(gold=[Gold("A", ("a",))])
    found = scored(answer(("a", "One"), ("a", "Three"), ("a", "Four"), ("b", "Five")), asked).scores
    assert (found["citation_precision"], found["quotes_verified"], found["citation_recall"]) == (0.25, 0.25, 1)
    assert scored(answer(("a", "Three")), asked).scores["citation_precision"] == 0
    assert scored(answer(), asked).scores["citation_precision"] is None
