"""MultiHop-RAG's own measures, as its two scripts compute them (arXiv 2401.15391, `retrieval_evaluate`, `qa_evaluate`).

Their MAP@10 is no average precision: each gold fact adds 1/rank of the chunk that first holds it. Their QA rule accepts
any shared word. Both are kept so that figures compare; the exact-match score stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DEPTH = 10
INSUFFICIENT = "Insufficient information."
"""The gold answer of a null query, and how an `unanswerable` status is spelt for this data set."""
_STATED = re.compile(r'The answer to the question is "(.*?)"')


def retrieval_scores(chunk_texts: Sequence[str], facts: Sequence[str]) -> dict[str, float]:
    """Hits@4, Hits@10, MAP@10 and MRR@10 of a ranking of chunks. Null queries have no facts and are not scored.

    A chunk is relevant when a fact, spaces and line feeds removed, is a substring of it: a fact that is cut by a
    chunk's border is never found.
    """
    wanted = {_squeezed(fact) for fact in facts}
    found: set[str] = set()
    ranks: list[int] = []
    precision_sum = 0.0
    for rank, text in enumerate(map(_squeezed, chunk_texts[:_DEPTH]), start=1):
        held = {fact for fact in wanted if fact in text}
        if held:
            ranks.append(rank)
            precision_sum += len(held - found) / rank
            found |= held
    return {
        "hits@4": float(any(rank <= 4 for rank in ranks)),
        "hits@10": float(bool(ranks)),
        "map@10": precision_sum / min(len(facts), _DEPTH),
        "mrr@10": 1 / ranks[0] if ranks else 0.0,
    }


def shares_a_word(prediction: str, gold: str) -> float:
    """1 when prediction and gold share a lower-cased word, split at white space with its punctuation left on."""
    stated = _STATED.search(prediction) if "The answer" in prediction else None
    said = stated.group(1) if stated else prediction
    return float(bool(set(said.lower().split()) & set(gold.lower().split())))


def _squeezed(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")
