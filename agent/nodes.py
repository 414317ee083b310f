"""The nodes that answer a question: search, rerank, write, verify; those that split it are in `agent.splitting`.

Each is an async function from the state to what it changes of it, and what the trace should say of it.

A node raises `BudgetExhausted` when it may not run; `agent.graph` then leaves it out and goes on with what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from itertools import islice

from agent.absent import names_asked, telling_words, unheard
from agent.calibration import conditions_of
from agent.cite import cite, extract, unverified, verified
from agent.compare import comparison_of
from agent.context import Context, StageEvent
from agent.dissent import with_dissent
from agent.drafts import better
from agent.evidence import Screened, findings, screened, trusted_first, withheld
from agent.followup import Exchange, leans_on, rewrite_question
from agent.merge import distinct, merge, reordered, worth_reading
from agent.node import WRITER_TOKENS, Outcome, beside_the_writer, drafted, ids_of, reserve, searched, shown, status_of
from agent.signals import quoted_signals, read_signals
from agent.sources import missing, sources_named
from agent.state import QUESTION, State
from agent.write import Draft, fitting, write_draft
from hopcite.errors import BudgetExhausted, ModelMisbehaved, OperatorError
from hopcite.types import Chunk, Hit, Step
from retrieval import fused

NOT_FROM = (
    "Nothing that was found is from {0}, or names it. If you mean a document that does not tell its publisher, ask "
    "without the name."
)
NOT_NAMED = "Nothing in the documents names {0}."
# The share of the remaining time that reranking may take: the writer needs the rest.
_RERANK_SHARE = 0.5
# Seconds that the store may take to give back the cited passages; the fewer, once the deadline has passed: less than
# the node itself is given then, or it would be left out with the draft that it holds.
_VERIFY_S, _VERIFY_LATE_S = 10.0, 1.5


async def rewrite(state: State, context: Context) -> Outcome:
    """Fill in what a follow-up leaves out. A question that stands alone costs no call.

    Without a model the question is searched as it is: whether one is needed is for the writer to say.
    """
    asked = state["question"]
    earlier = [Exchange.of(turn.answer) for turn in state.get("turns", ())] or context.options.earlier
    if not leans_on(asked, earlier):
        return Outcome({}, {"skipped": "the question stands alone"})
    reserve(context, calls=1)
    try:
        budget = beside_the_writer(context)
        question = await rewrite_question(asked, earlier, chat=context.deps.chat, budget=budget)
    except (ModelMisbehaved, OperatorError) as exc:
        return Outcome({}, {"skipped": str(exc)})
    return Outcome({"question": question}, {"asked": asked, "question": question})


async def search(state: State, context: Context) -> Outcome:
    """Search with the question itself; hops included, no language model."""
    question = state["question"]
    [hits] = [_given(context.options.passages)] if context.options.passages else await searched([question], context)
    step = Step(QUESTION, question, status=status_of(hits), chunk_ids=ids_of(hits))
    evidence = trusted_first(hits, defences=context.options.defences)
    detail = {"hits": len(hits), **findings(hits, defences=context.options.defences)}
    change: State = {"steps": (step,), "found": {QUESTION: hits}, "evidence": evidence, "planned": False}
    if absent := await _missing_sources(question, hits, context):
        refused = _refusal(NOT_FROM, absent, {**state, **change}, context)
        return Outcome({**change, **refused}, {**detail, "missing_sources": absent})
    # Of a comparison no draft is written at first; of its sides nothing but their names is known.
    compared = comparison_of(question)
    sides = telling_words(f"{compared.first}, {compared.second}") if compared and compared.asked != "same" else {}
    if absent := await _missing_names(sides, hits, context):
        refused = _refusal(NOT_NAMED, absent, {**state, **change}, context)
        return Outcome({**change, **refused}, {**detail, "missing_names": absent})
    return Outcome(change, detail)


async def rerank(state: State, context: Context) -> Outcome:
    """Rerank the merged candidates once, against the question. An unusable ranking leaves the order as it was."""
    settings = context.deps.settings
    merged = merge(state["found"], rrf_k=settings.search.rrf_k) if len(state["found"]) > 1 else state["found"][QUESTION]
    merged = trusted_first(merged, defences=context.options.defences)
    candidates = [passage.seen for passage in shown(merged[: settings.rerank.passages], context)]
    kept = 1 if context.options.write else 0
    reserve(context, calls=kept)
    seconds = context.budget.remaining_s * _RERANK_SHARE
    budget = context.budget.within(seconds, keep_calls=kept, keep_tokens=kept * WRITER_TOKENS)
    ranking = await context.deps.reranker.rerank(state["question"], candidates, budget=budget)
    # The scores of one search are amounts; those of several, merged, tell the order and no more.
    first = [hit.retrieval_score for hit in merged[: len(candidates)]] if len(state["found"]) == 1 else None
    ranking = fused(ranking, first, weight=settings.rerank.first_stage_weight, rrf_k=settings.search.rrf_k)
    detail: dict[str, object] = {
        "method": context.deps.reranker.name,
        "reranked": len(candidates),
        "valid": ranking.valid,
        "notes": ranking.notes,
    }
    if not ranking.valid:
        return Outcome({"evidence": merged, "graded": False, "reranked": True}, detail)
    change: State = {"evidence": reordered(merged, ranking), "graded": not ranking.places_only, "reranked": True}
    return Outcome(change, detail)


async def write(state: State, context: Context) -> Outcome:
    """Write a draft: the first from the best passages, a later one from more of them."""
    passages = await _to_read(state, context)
    draft = await write_draft(
        state["question"],
        [passage.seen for passage in passages],
        chat=context.deps.chat,
        budget=context.budget,
        max_tokens=context.options.max_answer_tokens,
        on_text=lambda text: context.emit(StageEvent("write", "text", {"text": text})),
    )
    if not (draft.text or draft.short_answer or draft.unknown):  # the time ran out before the first word
        return Outcome({"final": True}, {"skipped": "the model wrote nothing"})
    made = drafted(draft, passages, state, context)
    if state.get("drafts") or made.change["drafts"][-1].sure(context.options.sure):
        return made
    absent = await _missing_names(names_asked(state["question"]), state["evidence"], context)
    if not absent:
        return made
    return Outcome(_refusal(NOT_NAMED, absent, state, context), {**made.detail, "missing_names": absent})


async def verify(state: State, context: Context) -> Outcome:
    """Keep the best draft and check its quotes against the store. Without a draft, quote the evidence."""
    drafts = state.get("drafts", ())
    tied = [draft for draft in drafts if not draft.foreign]
    kept = reduce(better, tied) if tied else None
    if kept is None:
        best = shown(state["evidence"], context)[: context.options.evidence]
        passages, unquotable = [passage.stored for passage in best], withheld(best)
        quoted = extract(state["question"], passages, withheld=unquotable)
        cited = cite(quoted, passages, withheld=unquotable)
    else:
        cited = kept.cited
    draft = kept.draft if kept else None
    signals = read_signals(draft, cited) if draft else quoted_signals(state["question"], cited)
    cited = with_dissent(cited, _unsuspected(state["evidence"][: context.deps.settings.rerank.passages], context))
    detail: dict[str, object] = {}
    patience = min(_VERIFY_S, max(_VERIFY_LATE_S, context.budget.remaining_s))
    try:
        async with asyncio.timeout(patience):
            ids = [citation.chunk_id for citation in cited.citations]
            stored = await asyncio.to_thread(context.deps.collection.index.fetch, ids)
        cited = verified(cited, {chunk.id: chunk for chunk in stored})
    except (OperatorError, TimeoutError) as exc:  # the quotes are of what the search found; that is said, too
        cited = unverified(cited)
        detail["failed"] = str(exc) or f"the store did not answer within {patience:.0f} s"
    detail |= {"claims": len(cited.claims), "citations": len(cited.citations)}
    if kept is not None:
        detail["draft"] = drafts.index(kept) + 1
    detail["signals"] = asdict(signals)
    detail["conditions"] = conditions_of(context.deps, context.options)
    return Outcome({"draft": draft, "cited": cited, "signals": signals}, detail)


async def _missing_sources(question: str, hits: Sequence[Hit], context: Context) -> tuple[str, ...]:
    """In adaptive mode: the sources that the question names and the collection does not have."""
    options = context.options
    sources = sources_named(question) if options.mode == "adaptive" and options.write and not options.passages else ()
    if not sources:
        return ()
    publishers = await asyncio.to_thread(context.deps.collection.index.publishers)
    return missing(sources, publishers, [hit.chunk for hit in hits])


async def _missing_names(names: Mapping[str, str], hits: Sequence[Hit], context: Context) -> tuple[str, ...]:
    """In adaptive mode: of the names, each with its words, those that no passage has."""
    options, collection = context.options, context.deps.collection
    if options.mode != "adaptive" or not options.write or options.passages:
        return ()
    found = (hit.chunk for hit in hits)
    left = unheard(names, (" ".join((chunk.title, chunk.text, *chunk.metadata.values())) for chunk in found))
    if not left:
        return ()
    left = unheard(left, await asyncio.to_thread(collection.index.publishers))
    held = await asyncio.to_thread(collection.holds, list(left.values()), within=options.within)
    return tuple(name for name, known in zip(left, held, strict=True) if not known)


def _refusal(text: str, names: Sequence[str], state: State, context: Context) -> State:
    """A draft without an answer, in place of any other."""
    draft = Draft("", text.format(" or ".join(names)), unknown=True, cut_short=False)
    return {**drafted(draft, (), {**state, "drafts": ()}, context).change, "final": True}


def _given(passages: Sequence[Chunk]) -> tuple[Hit, ...]:
    return tuple(Hit(chunk, rank, retrieval_score=1 / rank) for rank, chunk in enumerate(passages, start=1))


def _unsuspected(hits: Sequence[Hit], context: Context) -> list[Chunk]:
    """The passages of which nothing is kept from the models."""
    passages = shown(hits, context)
    suspected = withheld(passages)
    return [passage.stored for passage in passages if passage.stored.id not in suspected]


async def _to_read(state: State, context: Context) -> list[Screened]:
    options, evidence = context.options, distinct(state["evidence"])
    if state.get("drafts"):
        best = [hit.chunk for hit in islice(evidence, max(options.evidence, options.further_evidence))]
    else:
        min_share = options.min_share if state.get("graded") else 0.0
        best = worth_reading(list(islice(evidence, options.evidence)), min_share=min_share)
    passages = screened(best, defences=options.defences)
    seen = [passage.seen for passage in passages]
    chat, budget = context.deps.chat, context.budget
    kept = await fitting(seen, state["question"], chat=chat, budget=budget, max_tokens=options.max_answer_tokens)
    if passages and not kept and budget.max_tokens is not None:
        raise BudgetExhausted(f"The request's {budget.max_tokens} tokens leave no passage room; raise its max_tokens.")
    return passages[: len(kept)]
