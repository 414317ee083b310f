"""Attention heads for reranking, picked on questions whose relevant passages are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evals.rerank_data import OnProgress, RerankData, RerankQuery, load_lists
from hopcite.errors import UsageError
from hopcite.settings import Settings

if TYPE_CHECKING:
    from retrieval.rerank.heads import Example
    from retrieval.rerank.in_context import InContextScorer


@dataclass(frozen=True, slots=True)
class HeadsRequest:
    """Where to look, and how many heads to keep."""

    data: Path
    split: str = "dev"
    limit: int | None = 40
    top: int = 16


def run_rerank_heads(request: HeadsRequest, *, settings: Settings, progress: OnProgress) -> str:
    """The text of a file of heads of `rerank.model`. Blocks. Raises `UsageError`, `ModelFileError`."""
    from retrieval.rerank.heads import open_for_picking

    data = load_lists(
        request.data,
        split=request.split,
        limit=request.limit,
        passages=settings.rerank.passages,
        settings=settings,
        progress=progress,
    )
    return picked_heads(
        data,
        open_for_picking(settings),
        model=settings.rerank.model,
        passages=settings.rerank.passages,
        top=request.top,
        progress=progress,
    )


def picked_heads(
    data: RerankData, scorer: InContextScorer, *, model: str, passages: int, top: int, progress: OnProgress
) -> str:
    """Questions of whose first `passages` none is relevant, or each, say nothing and are left out."""
    from retrieval.rerank.heads import head_scores, pick_heads, write_heads

    examples = list(_examples(data, passages))
    if not examples:
        raise UsageError(f"Among the first {passages} passages of {data.name} none is known as relevant.")
    scores = []
    for number, example in enumerate(examples):
        progress("Picking heads", number, len(examples))
        scores.append(head_scores(scorer, example))
    progress("Picking heads", len(examples), len(examples))
    told = [one for one in scores if one is not None]
    if not told:
        raise UsageError("In no list does a relevant passage fit the first prompt; lower rerank.passages.")
    return write_heads(model, pick_heads(told, top=top), data=data.name, examples=len(told), passages=passages)


def _examples(data: RerankData, passages: int) -> Iterator[Example]:
    from retrieval.rerank.heads import Example

    for query in data.queries:
        relevant = frozenset(_relevant(query, passages, data.relevant_from))
        chunks = query.candidates[:passages]
        if 0 < len(relevant) < len(chunks):
            yield Example(query.query, tuple(f"{chunk.title}\n{chunk.text}" for chunk in chunks), relevant)


def _relevant(query: RerankQuery, passages: int, relevant_from: int) -> Iterator[int]:
    for place, document in enumerate(query.documents[:passages]):
        if query.relevance.get(document, 0) >= relevant_from:
            yield place
