"""Why an answer does not cite a document: the question asked once more, and the document followed through its stages.

The stage at which it was lost is told by `evals.losses`, as it is for the gold passages of a run.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from agent import AnswerOptions, Deps, StageEvent, answer_question
from agent.merge import ALWAYS_READ
from evals.losses import Depths, Fate, fates
from evals.records import answer_record
from hopcite.errors import NotFound, UsageError
from hopcite.types import Answer, Hit
from ingest import LedgerEntry
from retrieval.probe import Places, probe

DEPTH = 1000
"""How far down each list of a search is looked."""
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of the answer. `handed_on`: the document's place, from 1, among the passages that it gave."""

    step: str
    question: str
    handed_on: int | None
    places: Places


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Where the document stood at each stage; None: it was not there. Places count from 1, of its best passage."""

    answer: Answer
    document: LedgerEntry
    fate: Fate
    reason: str
    searches: tuple[Searched, ...]
    merged: int | None
    candidates: int
    """Passages that the searches found together."""
    ranked: int | None
    rerank_score: float | None
    best_rerank_score: float | None
    shown: bool
    cited: tuple[int, ...]
    """Numbers of the citations that quote it."""


def find_document(named: str, entries: Sequence[LedgerEntry], *, collection: str) -> LedgerEntry:
    """The document with this id, else with this title, source or file name. Case only matters where it decides.

    Raises `NotFound` with the nearest names, `UsageError` when several have the name.
    """
    for same in (str, str.casefold):
        wanted = same(named.strip())
        for names_of in (_id, _names):
            found = [entry for entry in entries if wanted in {same(name) for name in names_of(entry)}]
            if len(found) == 1:
                return found[0]
            if found:
                ids = ", ".join(repr(entry.id) for entry in found[:_NEAR])
                raise UsageError(f"{len(found)} documents are called {named!r}; name one by its id: {ids}, …")
    if not entries:
        raise NotFound(f"The collection {collection!r} holds no documents; `hopcite ingest PATH` fills it.")
    spelt = {name.casefold(): name for entry in entries for name in (*_names(entry), entry.id)}
    near = difflib.get_close_matches(named.casefold(), spelt, n=_NEAR, cutoff=0.5)
    meant = (
        f"did you mean {' or '.join(repr(spelt[name]) for name in near)}?" if near else "`hopcite docs list` has all."
    )
    raise NotFound(f"No document {named!r} in collection {collection!r}; {meant}")


async def diagnose(
    question: str,
    document: LedgerEntry,
    *,
    deps: Deps,
    options: AnswerOptions,
    on_event: Callable[[StageEvent], None] | None = None,
) -> Diagnosis:
    """Answer the question and follow the document. Costs what the answer costs, and some searches."""
    asked = replace(options, trace=True)
    answer = await answer_question(question, deps=deps, options=asked, on_event=on_event)
    indexed = bool(await asyncio.to_thread(deps.collection.index.chunk_ids, document.id))
    record = {**answer_record(answer), "error": None, "gold": {"document_ids": [[document.id] if indexed else []]}}
    depths = Depths(options.evidence, deps.settings.rerank.passages)
    [fate] = fates(record, depths=depths, written=options.write).values()
    hits = [hit for hit in answer.evidence if hit.chunk.document_id == document.id]
    shown = next((event.detail["shown"] for event in reversed(answer.trace.events) if "shown" in event.detail), ())
    diagnosis = Diagnosis(
        answer=answer,
        document=document,
        fate=fate,
        reason="",
        searches=await asyncio.to_thread(_searches, answer, document.id, deps, options),
        merged=_merged(answer, hits),
        candidates=len(answer.evidence),
        ranked=hits[0].rank if hits else None,
        rerank_score=hits[0].rerank_score if hits else None,
        best_rerank_score=answer.evidence[0].rerank_score if answer.evidence else None,
        shown=isinstance(shown, list) and any(hit.chunk.id in shown for hit in hits),
        cited=tuple(citation.n for citation in answer.citations if citation.document_id == document.id),
    )
    return replace(diagnosis, reason=_reason(diagnosis, deps, options))


def _id(entry: LedgerEntry) -> tuple[str, ...]:
    return (entry.id,)


def _names(entry: LedgerEntry) -> tuple[str, ...]:
    return (entry.title, entry.source, PurePath(entry.source).name)


def _searches(answer: Answer, document_id: str, deps: Deps, options: AnswerOptions) -> tuple[Searched, ...]:
    document_of = {hit.chunk.id: hit.chunk.document_id for hit in answer.evidence}
    depth = min(DEPTH, max(1, deps.collection.index.count()))
    searches = []
    for step in answer.steps:
        if step.status in ("pending", "skipped"):
            continue
        documents = [document_of.get(chunk_id) for chunk_id in step.chunk_ids]
        handed_on = documents.index(document_id) + 1 if document_id in documents else None
        places = probe(deps.collection, step.question, [document_id], depth=depth, within=options.within)
        searches.append(Searched(step.id, step.question, handed_on, places))
    return tuple(searches)


def _merged(answer: Answer, hits: Sequence[Hit]) -> int | None:
    """The place before reranking. What was no candidate of it kept its place."""
    if not hits:
        return None
    calls = [call for call in answer.trace.calls if call.kind == "rerank" and call.parent is None]
    candidates = calls[-1].request["candidates"] if calls else []
    ids = {hit.chunk.id for hit in hits}
    among = candidates if isinstance(candidates, list) else []
    return next((n for n, chunk_id in enumerate(among, start=1) if chunk_id in ids), hits[0].rank)


def _reason(found: Diagnosis, deps: Deps, options: AnswerOptions) -> str:
    settings = deps.settings
    match found.fate:
        case "found" if found.cited:
            return f"The answer cites it: {''.join(f'[{n}]' for n in found.cited)}."
        case "found":
            return f"Place {found.ranked}: the writer would read it."
        case "ignored by the writer":
            return "The writer read it and cites nothing of it."
        case "cut from the prompt":
            return f"Place {found.ranked}, {_cut(found, options)}"
        case "ranked too low":
            reads = f"the writer reads {options.evidence} (answer.evidence)"
            return f"Place {found.ranked}, and nothing was reranked; {reads}."
        case "reranked out":
            moved = "left it at" if found.merged == found.ranked else f"moved it from place {found.merged} to"
            return f"Reranking {moved} place {found.ranked}; the writer reads {options.evidence} (answer.evidence)."
        case "lost in merge":
            return (
                f"Place {found.merged} of the {found.candidates} passages that the searches found; the first "
                f"{settings.rerank.passages} are reranked (rerank.passages)."
            )
        case "not retrieved":
            return f"No search handed it on; each hands on {settings.search.candidates} (search.candidates)."
        case "not indexed":
            return "It is listed, but the index holds no passage of it; ingest it again."
    return "The trace does not tell."


def _cut(found: Diagnosis, options: AnswerOptions) -> str:
    score, best = found.rerank_score, found.best_rerank_score
    if score is None or not best or best <= 0 or score >= options.min_share * best:
        return "but the model's window was full (llm.context_tokens)."
    return (
        f"but its rerank score is {score / best:.0%} of the first one's; past the first {ALWAYS_READ} the writer reads "
        f"what has {options.min_share:.0%} (answer.min_share)."
    )
