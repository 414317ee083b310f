"""What measures are called in front of people, and the order in which they are listed."""

from __future__ import annotations

from collections.abc import Iterable

_PARTS = {"em": "EM", "f1": "F1", "precision": "precision", "recall": "recall"}
_LABELS = {
    "em": "answer EM",
    "f1": "answer F1",
    "open_f1": "answer F1, no yes/no rule",
    "accuracy": "accuracy, MultiHop-RAG's",
    **{f"sp_{part}": f"supporting-fact {name}" for part, name in _PARTS.items()},
    **{f"joint_{part}": f"joint {name}" for part, name in _PARTS.items()},
    "hits@4": "Hits@4",
    "hits@10": "Hits@10",
    "map@10": "MAP@10, MultiHop-RAG's",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
    "ap@10": "AP@10",
    "mrr": "MRR",
    "cpu_seconds": "CPU seconds",
}
HARMS = frozenset(("success", "planted", "cited", "leaked", "first", "silenced"))
"""What an attack does: of these measures less is better."""

_ORDER = (
    *("em", "f1", "open_f1", "accuracy", "abstained"),
    *(f"{measure}@{depth}" for measure in ("recall", "all_evidence") for depth in (2, 5, 10, 20)),
    *("ndcg@10", "ap@10", "hits@4", "hits@10", "map@10", "mrr@10"),
    *("citation_precision", "citation_recall", "quotes_verified", "claims_supported"),
    *(f"{of}_{part}" for of in ("sp", "joint") for part in _PARTS),
)


def label(measure: str) -> str:
    """`all_evidence@5` is "all evidence@5"; an unknown measure keeps its name."""
    return _LABELS.get(measure, measure.replace("_", " "))


def in_order(measures: Iterable[str]) -> list[str]:
    """Answers first, then retrieval by depth, citations and supporting facts; what is not known comes last, by name."""
    return sorted(measures, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
