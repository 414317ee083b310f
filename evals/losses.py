"""Where the gold passages of a run were lost, one place for each.

A gold passage is found when the answer cites it or, where nothing was written, when it is among the passages that a
writer would read. Otherwise it was lost at the first stage that it did not get through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from evals.reading import Run
from evals.records import Record

Fate = Literal[
    "found",
    "ignored by the writer",
    "cut from the prompt",
    "ranked too low",
    "reranked out",
    "lost in merge",
    "not retrieved",
    "not indexed",
    "question failed",
    "not known",
]
"""ranked too low: by the search, where no model reranked. not known: the record keeps no trace of the passages past its
evidence, so it was not retrieved or lost in merge."""
FATES: tuple[Fate, ...] = get_args(Fate)


@dataclass(frozen=True, slots=True)
class Depths:
    """How many passages each stage takes, by the run's settings. A record's own trace goes before them."""

    writer: int = 5
    reranker: int = 20

    @classmethod
    def of(cls, run: Run) -> Depths:
        """As the manifest says, or the settings' defaults where it doesn't."""
        answer, rerank = (run.manifest["settings"].get(name, {}) for name in ("answer", "rerank"))
        return cls(int(answer.get("evidence", 5)), int(rerank.get("passages", 20)))


def losses_of(run: Run) -> dict[Fate, int]:
    """How many gold passages of the run met each fate, in the order of the pipeline from its end."""
    depths = Depths.of(run)
    counts = Counter(
        fate for record in run.records for fate in fates(record, depths=depths, written=run.written).values()
    )
    return {fate: counts[fate] for fate in FATES}


def fates(record: Record, *, depths: Depths, written: bool) -> dict[int, Fate]:
    """What became of each gold passage of a question, by its place in `gold`."""
    gold: Sequence[Collection[str]] = record.get("gold", {}).get("document_ids", [])
    if record["error"]:
        return {n: "question failed" if ids else "not indexed" for n, ids in enumerate(gold)}
    path = _path(record, depths)
    return {n: path.fate(frozenset(ids), written=written) for n, ids in enumerate(gold)}


def shown_chunks(record: Record) -> list[str] | None:
    """The chunks that the writer read last; None where the trace does not say."""
    shown: list[str] | None = _last(record, ("write", "conclude"), "shown")
    return shown


@dataclass(frozen=True, slots=True)
class _Path:
    """How far each document of one question came."""

    ranks: Mapping[str, int]
    """Document id to its best rank in the evidence."""
    shown: frozenset[str]
    cited: frozenset[str]
    searched: frozenset[str] | None
    """The documents that any step found; None when the record does not say, and steps found more than is kept."""
    writer: int
    reranker: int
    by_model: bool
    """Whether a model reranked, or the record has no trace that tells."""

    def fate(self, ids: frozenset[str], *, written: bool) -> Fate:
        if not ids:
            return "not indexed"
        rank = min((self.ranks[id_] for id_ in ids if id_ in self.ranks), default=None)
        if ids & self.cited or (not written and rank is not None and rank <= self.writer):
            return "found"
        if ids & self.shown and written:
            return "ignored by the writer"
        if rank is not None:
            return self._below(rank)
        if self.searched is None:
            return "not known"
        return "lost in merge" if ids & self.searched else "not retrieved"

    def _below(self, rank: int) -> Fate:
        if rank <= self.writer:
            return "cut from the prompt"
        # Reranking orders the first candidates among themselves, so that what comes after them was never one.
        if rank > self.reranker:
            return "lost in merge"
        return "reranked out" if self.by_model else "ranked too low"


def _path(record: Record, depths: Depths) -> _Path:
    evidence = record.get("evidence", [])
    document_of = {item["chunk_id"]: item["document_id"] for item in evidence}
    ranks: dict[str, int] = {}
    for item in evidence:
        ranks[item["document_id"]] = min(item["rank"], ranks.get(item["document_id"], item["rank"]))
    shown = shown_chunks(record)
    # A record without this trace can't tell a passage that was cut from the prompt from one that was ignored.
    read = [item["chunk_id"] for item in evidence if item["rank"] <= depths.writer] if shown is None else shown
    reranked = _last(record, ("rerank",), "reranked")
    if reranked is None:
        reranked = sum(item.get("rerank_score") is not None for item in evidence) or depths.reranker
    return _Path(
        ranks=ranks,
        shown=frozenset(document_of[chunk_id] for chunk_id in read if chunk_id in document_of),
        cited=frozenset(citation["document_id"] for citation in record.get("citations", [])),
        searched=_searched(record, document_of),
        # The oracle may hand the writer more passages than the settings allow a search.
        writer=max(depths.writer, len(shown or ())),
        reranker=int(reranked),
        by_model=not record.get("trace") or _last(record, ("rerank",), "method") not in (None, "none"),
    )


def _searched(record: Record, document_of: Mapping[str, str]) -> frozenset[str] | None:
    found = record.get("found_documents")
    if found is not None:
        return frozenset(document for documents in found.values() for document in documents)
    chunks = {chunk_id for step in record.get("steps", []) for chunk_id in step.get("chunk_ids", [])}
    return frozenset(document_of.values()) if chunks <= document_of.keys() else None


def _last(record: Record, nodes: Sequence[str], name: str) -> Any:
    """A detail of the last event of these nodes that has it; None without one. Nodes may run twice: the last counts."""
    details = [event.get("detail", {}) for event in record.get("trace") or [] if event.get("node") in nodes]
    return next((detail[name] for detail in reversed(details) if name in detail), None)
