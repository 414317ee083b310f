"""Scores with values worked out by hand."""

from __future__ import annotations

import pytest

from evals.metrics import multihop_rag, passages
from evals.metrics.answer import exact_match, f1, joint, open_f1, overlap
from evals.metrics.citations import (
    Cited,
    Target,
    cited_sentences,
    locate_sentences,
    precision,
    recall,
    supporting_facts,
)


@pytest.mark.parametrize(
    ("prediction", "gold", "em", "token_f1", "without_rule"),
    [
        ("The Tarn House!", "tarn house", 1, 1, 1),
        ("Tarn", "Tarn House", 0, 2 / 3, 2 / 3),  # P 1, R 1/2
        ("a b c", "c d", 0, 0.5, 0.5),  # "a" is an article: P 1/2, R 1/2
        ("yes indeed", "yes", 0, 0, 2 / 3),
        ("yes", "yes indeed", 0, 0, 2 / 3),
        ("noanswer", "Tarn noanswer", 0, 0, 2 / 3),
        ("Yes!", "yes", 1, 1, 1),
        ("don't", "dont", 1, 1, 1),  # punctuation goes without leaving a space
        ("", "Tarn", 0, 0, 0),
    ],
)
def test_answers(prediction: str, gold: str, em: float, token_f1: float, without_rule: float) -> None:
    assert exact_match(prediction, [gold]) == em
    assert f1(prediction, [gold]) == pytest.approx(token_f1)
    assert open_f1(prediction, [gold]) == pytest.approx(without_rule)


def test_the_best_alias_counts() -> None:
    assert exact_match("NYC", ["New York City", "NYC"]) == 1
    assert f1("York", ["Tarn", "New York"]) == pytest.approx(2 / 3)


def test_passage_recall_counts_documents_at_their_best_chunk() -> None:
    ranked = passages.ranked_documents(["a", "b", "a", "c"])
    assert ranked == ["a", "b", "c"]
    gold = [["b"], ["c", "c2"], []]  # the third is not in the corpus
    assert passages.recall_at(2, ranked, gold) == pytest.approx(1 / 3)
    assert passages.recall_at(3, ranked, gold) == pytest.approx(2 / 3)
    assert passages.all_evidence_at(3, ranked, gold) == 0
    assert passages.all_evidence_at(3, ranked, gold[:2]) == 1


def test_citations_hit_a_sentence_when_they_share_a_character() -> None:
    targets = [Target({"a": (0, 10)}), Target({"b": None})]
    cited = [Cited("a", (9, 20)), Cited("a", (10, 20)), Cited("c", (0, 5))]
    assert precision(cited, targets, given=3) == pytest.approx(1 / 3)
    assert recall(cited, targets) == 0.5
    assert precision([], targets, given=0) is None


def test_supporting_facts_are_sets_of_sentences() -> None:
    spans = locate_sentences("One  two. Three.\nFour.", ["One two.", "Three.", "Absent.", "Four."])
    assert spans == [(0, 9), (10, 16), None, (17, 22)]
    touched = cited_sentences([Cited("a", (8, 12)), Cited("x", (0, 1))], {"a": spans})
    assert touched == {("a", 0), ("a", 1), ("x", -1)}
    # Shared 1 of 3 predicted and 2 gold: F1 = 2 / 5.
    assert supporting_facts(touched, {("a", 1), ("a", 3)}) == pytest.approx((0.4, 1 / 3, 1 / 2))
    assert supporting_facts([], {("a", 1)}) == (0.0, 0.0, 0.0)


def test_joint_measures_multiply_precisions_and_recalls() -> None:
    # Answer: 1 of 2 predicted words, 1 of 1 gold. Support: 2 of 3 predicted, 2 of 2 gold.
    answer, support = (
        overlap("Ottilie Brand", ["Brand"]),
        supporting_facts([("a", 0), ("a", 1), ("b", 0)], [("a", 0), ("b", 0)]),
    )
    assert answer == pytest.approx((2 / 3, 1 / 2, 1))
    found = joint(answer, support, answer_em=0.0, support_em=0.0)
    # P = 1/2 * 2/3 = 1/3, R = 1, F1 = 2 * 1/3 / (4/3) = 1/2.
    expected = {"joint_em": 0.0, "joint_f1": 1 / 2, "joint_precision": 1 / 3, "joint_recall": 1.0}
    assert found == pytest.approx(expected)
    assert joint(overlap("no", ["yes"]), support, answer_em=0, support_em=1)["joint_f1"] == 0


def test_multihop_rag_counts_each_fact_at_the_chunk_that_first_holds_it() -> None:
    chunks = ["nothing", "has fact one", "has fact one and fact two"]
    found = multihop_rag.retrieval_scores(chunks, ["fact one", "fact two", "fact three"])
    assert found == {"hits@4": 1.0, "hits@10": 1.0, "map@10": pytest.approx((1 / 2 + 1 / 3) / 3), "mrr@10": 0.5}


def test_multihop_rag_leaves_out_spaces_and_line_feeds_and_nothing_else() -> None:
    assert multihop_rag.retrieval_scores(["a fact\nof two  lines"], ["a factof two lines"])["hits@4"] == 1
    for chunk in ("A FACT", "a\tfact", "a fa"):  # of another case, with a tab, cut by the border
        assert multihop_rag.retrieval_scores([chunk, "ct"], ["a fact"])["hits@10"] == 0, chunk


def test_multihop_rag_s_depths_and_its_map() -> None:
    found = multihop_rag.retrieval_scores(["fact 1", "fact 2", "fact 3"], ["fact 1", "fact 2", "fact 3"])
    assert found["map@10"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3), "a perfect order does not give 1"
    ranks = {rank: multihop_rag.retrieval_scores([*["x"] * (rank - 1), "fact"], ["fact"]) for rank in (4, 5, 10, 11)}
    assert [ranks[4]["hits@4"], ranks[5]["hits@4"], ranks[10]["hits@10"], ranks[11]["hits@10"]] == [1, 0, 1, 0]
    assert [ranks[10]["mrr@10"], ranks[11]["mrr@10"], ranks[11]["map@10"]] == [1 / 10, 0, 0]
    many = [f"fact {n:02}" for n in range(12)]
    assert multihop_rag.retrieval_scores([" ".join(many)], many)["map@10"] == 12 / 10, "divided by 10 at most"


@pytest.mark.parametrize(
    ("prediction", "gold", "right"),
    [
        ("the answer is Tarn", "Tarn House", 1),
        ("Oss", "Tarn House", 0),
        ("the cat", "the dog", 1),  # any word will do
        ("Yes.", "Yes", 0),  # punctuation stays on
        ("YES", "Yes", 1),
        ('The answer to the question is "Oss". Not Tarn.', "Tarn", 0),  # what is stated so is all that counts
        ("The answer to the question is Tarn", "Tarn", 1),
        ("Insufficient information.", "Insufficient information.", 1),
    ],
)
def test_multihop_rag_s_rule_for_answers(prediction: str, gold: str, right: float) -> None:
    assert multihop_rag.shares_a_word(prediction, gold) == right
