"""Was the gold evidence retrieved? Recall over passages, counted as documents in rank order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

DEPTHS = (2, 5, 10, 20)


def ranked_documents(document_ids: Iterable[str]) -> list[str]:
    """The documents of a ranking of chunks, each at the place of its best chunk."""
    return list(dict.fromkeys(document_ids))


def recall_at(depth: int, ranked: Sequence[str], gold: Sequence[Collection[str]]) -> float:
    """Share of the gold passages among the first `depth` documents. A gold passage is met by any of its ids.

    A gold passage that the corpus lacks has no ids: it stays in the denominator and is never found.
    """
    top = ranked[:depth]
    return sum(any(document in ids for document in top) for ids in gold) / len(gold)


def all_evidence_at(depth: int, ranked: Sequence[str], gold: Sequence[Collection[str]]) -> float:
    """1 when the first `depth` documents hold every gold passage."""
    return float(recall_at(depth, ranked, gold) == 1.0)
