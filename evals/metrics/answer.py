"""Answer EM and F1: HotpotQA's official scorer, and HippoRAG's, which differs on yes and no."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CLOSED = frozenset({"yes", "no", "noanswer"})


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no articles, single spaces: in this order, as both scorers do it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1 when the normalised prediction equals a normalised gold. The two scorers agree on this."""
    return float(normalise(prediction) in {normalise(gold) for gold in golds})


class Overlap(NamedTuple):
    """Agreement of two bags or sets: harmonic mean, share of the predicted, share of the gold."""

    f1: float
    precision: float
    recall: float


def overlap(prediction: str, golds: Sequence[str]) -> Overlap:
    """HotpotQA's token F1, P and R with the gold of the best F1; 0 where just one is, say, yes (no, noanswer)."""
    return max(_overlap(prediction, gold, closed_rule=True) for gold in golds)


def f1(prediction: str, golds: Sequence[str]) -> float:
    """HotpotQA's token F1, the best over `golds`."""
    return overlap(prediction, golds).f1


def open_f1(prediction: str, golds: Sequence[str]) -> float:
    """HippoRAG's token F1, the best over `golds`: without the yes/no rule."""
    return max(_overlap(prediction, gold, closed_rule=False) for gold in golds).f1


def joint(answer: Overlap, support: Overlap, *, answer_em: float, support_em: float) -> dict[str, float]:
    """HotpotQA's joint measures: precisions and recalls multiplied, F1 of the products, both exact."""
    precision, recall = answer.precision * support.precision, answer.recall * support.recall
    return {
        "joint_em": answer_em * support_em,
        "joint_f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "joint_precision": precision,
        "joint_recall": recall,
    }


def shared_share(shared: int, predicted: int, wanted: int) -> Overlap:
    """From the sizes of the intersection, the prediction and the gold. Nothing shared is 0 throughout."""
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    return Overlap(2 * shared / (predicted + wanted), shared / predicted, shared / wanted)


def _overlap(prediction: str, gold: str, *, closed_rule: bool) -> Overlap:
    predicted, wanted = normalise(prediction), normalise(gold)
    if closed_rule and predicted != wanted and (predicted in _CLOSED or wanted in _CLOSED):
        return Overlap(0.0, 0.0, 0.0)
    shared = (Counter(predicted.split()) & Counter(wanted.split())).total()
    return shared_share(shared, len(predicted.split()), len(wanted.split()))
