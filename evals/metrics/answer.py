"""Answer EM and F1: HotpotQA's official scorer, and HippoRAG's, which differs on yes and no."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CLOSED = frozenset({"yes", "no", "noanswer"})


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no articles, single spaces: in this order, as both scorers do it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1 when the normalised prediction equals a normalised gold. The two scorers agree on this."""
    return float(normalise(prediction) in {normalise(gold) for gold in golds})


def f1(prediction: str, golds: Sequence[str]) -> float:
    """HotpotQA's token F1, the best over `golds`; 0 where one side is yes, no or noanswer and the other differs."""
    return max(_f1(prediction, gold, closed_rule=True) for gold in golds)


def open_f1(prediction: str, golds: Sequence[str]) -> float:
    """HippoRAG's token F1, the best over `golds`: without the yes/no rule."""
    return max(_f1(prediction, gold, closed_rule=False) for gold in golds)


def _f1(prediction: str, gold: str, *, closed_rule: bool) -> float:
    predicted, wanted = normalise(prediction), normalise(gold)
    if closed_rule and predicted != wanted and (predicted in _CLOSED or wanted in _CLOSED):
        return 0.0
    shared = (Counter(predicted.split()) & Counter(wanted.split())).total()
    # 2PR / (P + R) with P = shared / predicted tokens and R = shared / gold tokens.
    return 2 * shared / (len(predicted.split()) + len(wanted.split())) if shared else 0.0
