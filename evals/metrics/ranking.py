"""Measures of a ranking with graded relevance, by trec_eval: nDCG@10, AP@10, recall@5, reciprocal rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MEASURES = ("ndcg@10", "ap@10", "recall@5", "mrr")


def ranking_scores(ranked: Sequence[str], relevance: Mapping[str, int], *, relevant_from: int) -> dict[str, float]:
    """The measures of documents in rank order, against the relevance of all that were judged.

    nDCG takes the grades as gains; the others count what is graded `relevant_from` or better. Empty when nothing is:
    then no ranking is better than another. A document that was not judged is not relevant.
    """
    if not any(grade >= relevant_from for grade in relevance.values()):
        return {}
    import ir_measures
    from ir_measures import AP, RR, R, nDCG

    measures = {
        nDCG @ 10: "ndcg@10",
        AP(rel=relevant_from) @ 10: "ap@10",
        R(rel=relevant_from) @ 5: "recall@5",
        RR(rel=relevant_from): "mrr",
    }
    # Falling without ties, which would be broken by the documents' names.
    run = {document: float(len(ranked) - place) for place, document in enumerate(ranked)}
    scores = dict.fromkeys(MEASURES, 0.0)
    for found in ir_measures.iter_calc(list(measures), {"q": dict(relevance)}, {"q": run}):
        scores[measures[found.measure]] = float(found.value)
    return scores
