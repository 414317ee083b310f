"""Merging what the steps found into one list of candidates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from agent.words import content_words, key_words
from hopcite.types import Chunk, Hit
from retrieval import reciprocal_rank_fusion
from retrieval.rerank.port import Ranking

# The share of two passages' words that near-duplicates have in common.
_SAME = 0.9
# Passages that are read whatever the reranker thinks of them (docs/decisions.md, "What the writer reads").
ALWAYS_READ = 3
# The best passages of every step that are kept before any step gets a further one: coverage before depth.
_GUARANTEED = 2


def merge(found: Mapping[str, Sequence[Hit]], *, rrf_k: int) -> tuple[Hit, ...]:
    """One ranking of all passages, each once, with the steps that found it. `found` maps step ids to their hits.

    Steps are fused by reciprocal rank; then the first `_GUARANTEED` passages of every step come before the rest.
    """
    hits: dict[str, Hit] = {}
    finders: dict[str, list[str]] = {}
    for step_id, ranking in found.items():
        for hit in ranking:
            hits.setdefault(hit.chunk.id, hit)
            finders.setdefault(hit.chunk.id, []).append(step_id)
    fused = reciprocal_rank_fusion([[hit.chunk.id for hit in ranking] for ranking in found.values()], k=rrf_k)
    guaranteed = {hit.chunk.id for ranking in found.values() for hit in ranking[:_GUARANTEED]}
    ordered = sorted(fused, key=lambda pair: pair[0] not in guaranteed)
    return tuple(
        replace(hits[chunk_id], rank=rank, retrieval_score=score, steps=tuple(finders[chunk_id]))
        for rank, (chunk_id, score) in enumerate(ordered, start=1)
    )


def interleaved(found: Mapping[str, Sequence[Hit]]) -> tuple[Hit, ...]:
    """The first passage of each step, then the second of each, and so on, each once, with the steps that found it."""
    finders: dict[str, list[str]] = {}
    for step_id, ranking in found.items():
        for hit in ranking:
            finders.setdefault(hit.chunk.id, []).append(step_id)
    lined_up: dict[str, Hit] = {}
    for place in range(max(map(len, found.values()), default=0)):
        for ranking in found.values():
            if place < len(ranking):
                lined_up.setdefault(ranking[place].chunk.id, ranking[place])
    return tuple(
        replace(hit, rank=rank, steps=tuple(finders[chunk_id]))
        for rank, (chunk_id, hit) in enumerate(lined_up.items(), start=1)
    )


def reordered(hits: Sequence[Hit], ranking: Ranking) -> tuple[Hit, ...]:
    """The hits that were ranked, the first of `hits`, in the ranking's order and with its scores; then the rest."""
    best = [replace(hits[i], rerank_score=ranking.scores[i]) for i in ranking.order]
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate([*best, *hits[len(best) :]], start=1))


def distinct(hits: Iterable[Hit]) -> Iterator[Hit]:
    """The hits without those that say what one before them says: nearly the same words, and all its names and numbers.

    Copies of a page in several places would fill what the writer reads. Where a number differs, both are evidence.
    """
    said: list[tuple[frozenset[str], frozenset[str]]] = []
    for hit in hits:
        words, keys = content_words(hit.chunk.text), key_words(hit.chunk.text)
        if not any(keys == known and len(words & other) >= _SAME * len(words | other) for other, known in said):
            said.append((words, keys))
            yield hit


def worth_reading(best: Sequence[Hit], *, min_share: float) -> list[Chunk]:
    """The first three, and those after them with at least this share of the first one's rerank score.

    What has little to do with the question misleads a small writer. Without rerank scores, or where the best is not
    above zero so that shares mean nothing, all are kept.
    """
    top = best[0].rerank_score if best else None
    if not top or top <= 0:
        return [hit.chunk for hit in best]
    return [
        hit.chunk
        for place, hit in enumerate(best)
        if place < ALWAYS_READ or hit.rerank_score is None or hit.rerank_score >= min_share * top
    ]
