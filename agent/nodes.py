"""The nodes: async functions from the state to what they change of it, and what the trace should say of them.

A node raises `BudgetExhausted` when it may not run; `agent.graph` then leaves it out and goes on with what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce

from agent.calibration import conditions_of
from agent.cite import cite, extract, unverified, verified
from agent.context import Context, StageEvent
from agent.dissent import with_dissent
from agent.drafts import better, written
from agent.evidence import (
    Screened,
    findings,
    screened,
    trusted_first,
    withheld,
    without_examples,
    without_prompt,
)
from agent.followup import leans_on, rewrite_question
from agent.merge import interleaved, merge, reordered, worth_reading
from agent.plan import fill, last_link, plan_steps
from agent.signals import read_signals
from agent.state import QUESTION, State
from agent.write import answer_step, fitting, write_draft
from hopcite.errors import BudgetExhausted, ModelMisbehaved, OperatorError
from hopcite.types import Chunk, Hit, Step, StepStatus
from retrieval import fused

# Passages of a step that are read for its answer.
_STEP_PASSAGES = 3
# Passages that are read of a chain: two of each search, where it has two steps.
_OF_A_CHAIN = 6
# The share of the remaining time that reranking may take: the writer needs the rest.
_RERANK_SHARE = 0.5
# Seconds that the store may take to give back the cited passages: a deadline may have passed by then.
_VERIFY_S = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a node changes of the state, and its line in the trace."""

    change: State
    detail: dict[str, object] = field(default_factory=dict)


async def rewrite(state: State, context: Context) -> Outcome:
    """Fill in what a follow-up leaves out. A question that stands alone costs no call."""
    asked, turns = state["asked"], state["turns"]
    if not leans_on(asked, turns):
        return Outcome({}, {"skipped": "the question stands alone"})
    _reserve(context, calls=1)
    try:
        question = await rewrite_question(asked, turns, chat=context.deps.chat, budget=context.budget)
    except ModelMisbehaved as exc:
        return Outcome({}, {"skipped": str(exc)})
    return Outcome({"question": question}, {"asked": asked, "question": question})


async def search(state: State, context: Context) -> Outcome:
    """Search with the question itself; hops included, no language model."""
    question = state["question"]
    [hits] = [_given(context.options.passages)] if context.options.passages else await _search([question], context)
    step = Step(QUESTION, question, status=_status(hits), chunk_ids=_ids(hits))
    evidence = trusted_first(hits, defences=context.options.defences)
    return Outcome(
        {"steps": (step,), "found": {QUESTION: hits}, "evidence": evidence, "planned": False},
        {"hits": len(hits)},
    )


async def plan(state: State, context: Context) -> Outcome:
    """Decompose the question. A reply that can't be used leaves the question whole.

    So do steps side by side once a draft was written: the first search has looked for all that the question names.
    """
    change: State = {"planned": True}
    _reserve(context, calls=1)
    try:
        steps = await plan_steps(state["question"], chat=context.deps.chat, budget=context.budget)
    except ModelMisbehaved as exc:
        return Outcome(change, {"skipped": str(exc)})
    detail: dict[str, object] = {"steps": [step.question for step in steps]}
    if state.get("drafts") and steps and not any(step.needs for step in steps):
        return Outcome(change, {**detail, "skipped": "no step waits for another"})
    return Outcome({**change, "steps": (*state["steps"], *steps)}, detail)


async def search_steps(state: State, context: Context) -> Outcome:
    """Search for every step whose needs are met, in one batch; steps whose needs cannot be met any more are skipped."""
    answers = {step.id: step.answer for step in state["steps"] if step.answer}
    round_ = 1 + max(step.round for step in state["steps"])
    ready = [step for step in pending(state) if all(need in answers for need in step.needs)]
    questions = [fill(step, answers) for step in ready]
    results = await _search(questions, context) if ready else []
    searched = {
        step.id: replace(step, question=question, round=round_, status=_status(hits), chunk_ids=_ids(hits))
        for step, question, hits in zip(ready, questions, results, strict=True)
    }
    blocked = {step.id: replace(step, status="skipped") for step in pending(state) if not ready}
    steps = tuple({**searched, **blocked}.get(step.id, step) for step in state["steps"])
    found = {**state["found"], **{step.id: hits for step, hits in zip(ready, results, strict=True)}}
    merged = merge(found, rrf_k=context.deps.settings.search.rrf_k)
    evidence = trusted_first(merged, defences=context.options.defences)
    return Outcome({"steps": steps, "found": found, "evidence": evidence}, {"searched": questions})


async def answer_steps(state: State, context: Context) -> Outcome:
    """Read the answers that waiting steps need, all at once. A step without an answer blocks those that need it."""
    needed = {need for step in pending(state) for need in step.needs}
    asked = [step for step in state["steps"] if step.id in needed and step.status == "found"]
    if not asked or not context.options.step_answers:
        return Outcome({})
    _reserve(context, calls=1 + len(asked))
    shown = [
        [passage.seen for passage in _screened(state["found"][step.id], context)[:_STEP_PASSAGES]] for step in asked
    ]
    replies = await asyncio.gather(
        *(
            answer_step(step.question, passages, chat=context.deps.chat, budget=context.budget)
            for step, passages in zip(asked, shown, strict=True)
        )
    )
    answers = [
        without_examples(reply, passages, step.question)
        for step, passages, reply in zip(asked, shown, replies, strict=True)
    ]
    answered = {
        step.id: replace(step, answer=answer, status="answered" if answer else "no_evidence")
        for step, answer in zip(asked, answers, strict=True)
    }
    steps = tuple(answered.get(step.id, step) for step in state["steps"])
    return Outcome({"steps": steps}, {"answers": {step.id: step.answer for step in answered.values()}})


async def gather(state: State, context: Context) -> Outcome:
    """Line up what the steps found with the question's own ranking, the last step first."""
    defences = context.options.defences
    steps = {id_: trusted_first(hits, defences=defences) for id_, hits in state["found"].items() if id_ != QUESTION}
    evidence = interleaved({**dict(reversed(steps.items())), QUESTION: state["evidence"]})
    return Outcome({"evidence": evidence}, {"searches": len(steps), "left_to_ask": chained(state)})


async def rerank(state: State, context: Context) -> Outcome:
    """Rerank the merged candidates once, against the question. An unusable ranking leaves the order as it was."""
    settings = context.deps.settings
    merged = merge(state["found"], rrf_k=settings.search.rrf_k) if len(state["found"]) > 1 else state["found"][QUESTION]
    merged = trusted_first(merged, defences=context.options.defences)
    candidates = [passage.seen for passage in _screened(merged[: settings.rerank.passages], context)]
    kept = 1 if context.options.write else 0
    _reserve(context, calls=kept)
    budget = context.budget.within(context.budget.remaining_s * _RERANK_SHARE, keep_calls=kept)
    ranking = await context.deps.reranker.rerank(state["question"], candidates, budget=budget)
    # The scores of one search are amounts; those of several, merged, tell the order and no more.
    first = [hit.retrieval_score for hit in merged[: len(candidates)]] if len(state["found"]) == 1 else None
    ranking = fused(ranking, first, weight=settings.rerank.first_stage_weight, rrf_k=settings.search.rrf_k)
    detail: dict[str, object] = {
        "method": context.deps.reranker.name,
        "reranked": len(candidates),
        "valid": ranking.valid,
        "notes": ranking.notes,
        **findings((hit.chunk for hit in merged), defences=context.options.defences),
    }
    if not ranking.valid:
        return Outcome({"evidence": merged, "graded": False}, detail)
    return Outcome({"evidence": reordered(merged, ranking), "graded": not ranking.places_only}, detail)


async def write(state: State, context: Context) -> Outcome:
    """Write a draft: the first from the best passages, a later one from more of them or from those of a chain."""
    passages = await _shown(state, context)
    last = chained(state)
    draft = await write_draft(
        f"{state['question']}\nThat is: {last}" if last else state["question"],
        [passage.seen for passage in passages],
        chat=context.deps.chat,
        budget=context.budget,
        max_tokens=context.options.max_answer_tokens,
        on_text=lambda text: context.emit(StageEvent("write", "text", {"text": text})),
    )
    if not (draft.text or draft.short_answer):  # the time ran out before the first word
        return Outcome({"planned": True}, {"skipped": "the model wrote nothing"})
    if context.options.defences:
        draft = without_prompt(draft, passages, state["question"])
    stored = [passage.stored for passage in passages]
    made = written(draft, stored, question=state["question"], withheld=withheld(passages))
    detail = {
        "shown": [chunk.id for chunk in stored],
        "short_answer": draft.short_answer,
        "unknown": draft.unknown,
        "likelihood": made.likelihood,
        "borne_out": made.borne_out,
        **findings(stored, defences=context.options.defences),
    }
    return Outcome({"drafts": (*state.get("drafts", ()), made)}, detail)


async def verify(state: State, context: Context) -> Outcome:
    """Keep the best draft and check its quotes against the store. Without a draft, quote the evidence."""
    drafts = state.get("drafts", ())
    kept = reduce(better, drafts) if drafts else None
    if kept is not None and kept.foreign:
        kept = None
    if kept is None:
        best = _screened(state["evidence"], context)[: context.options.evidence]
        passages, unquotable = [passage.stored for passage in best], withheld(best)
        quoted = extract(state["question"], passages, withheld=unquotable)
        cited = cite(quoted, passages, withheld=unquotable)
    else:
        cited = kept.cited
    draft = kept.draft if kept else None
    signals = read_signals(draft, cited)
    cited = with_dissent(cited, _unsuspected(state["evidence"][: context.deps.settings.rerank.passages], context))
    detail: dict[str, object] = {}
    try:
        async with asyncio.timeout(_VERIFY_S):
            ids = [citation.chunk_id for citation in cited.citations]
            stored = await asyncio.to_thread(context.deps.collection.index.fetch, ids)
        cited = verified(cited, {chunk.id: chunk for chunk in stored})
    except (OperatorError, TimeoutError) as exc:  # the quotes are of what the search found; that is said, too
        cited = unverified(cited)
        detail["failed"] = str(exc) or f"the store did not answer within {_VERIFY_S:g} s"
    detail |= {"claims": len(cited.claims), "citations": len(cited.citations)}
    if kept is not None:
        detail["draft"] = drafts.index(kept) + 1
    detail["signals"] = asdict(signals)
    detail["conditions"] = conditions_of(context.deps, context.options)
    return Outcome({"draft": draft, "cited": cited, "signals": signals}, detail)


def pending(state: State) -> list[Step]:
    """The planned steps that have not been searched yet."""
    return [step for step in state["steps"] if step.status == "pending"]


async def _search(questions: Sequence[str], context: Context) -> list[tuple[Hit, ...]]:
    collection, settings = context.deps.collection, context.deps.settings
    results = await asyncio.to_thread(
        collection.search, questions, limit=settings.search.candidates, within=context.options.within
    )
    return [tuple(hits) for hits in results]


def _given(passages: Sequence[Chunk]) -> tuple[Hit, ...]:
    return tuple(Hit(chunk, rank, retrieval_score=1 / rank) for rank, chunk in enumerate(passages, start=1))


def _screened(hits: Sequence[Hit], context: Context) -> list[Screened]:
    return screened((hit.chunk for hit in hits), defences=context.options.defences)


def _unsuspected(hits: Sequence[Hit], context: Context) -> list[Chunk]:
    """The passages of which nothing is kept from the models."""
    passages = _screened(hits, context)
    suspected = withheld(passages)
    return [passage.stored for passage in passages if passage.stored.id not in suspected]


async def _shown(state: State, context: Context) -> list[Screened]:
    options = context.options
    if state.get("drafts"):
        many = _OF_A_CHAIN if chained(state) else max(options.evidence, options.further_evidence)
        best = [hit.chunk for hit in state["evidence"][:many]]
    else:
        min_share = options.min_share if state.get("graded") else 0.0
        best = worth_reading(state["evidence"][: options.evidence], min_share=min_share)
    passages = screened(best, defences=options.defences)
    seen = [passage.seen for passage in passages]
    kept = await fitting(seen, state["question"], chat=context.deps.chat, max_tokens=options.max_answer_tokens)
    return passages[: len(kept)]


def chained(state: State) -> str:
    """What a chain that was searched after a draft leaves to ask; empty without one."""
    return last_link([step for step in state["steps"] if step.id != QUESTION]) if state.get("drafts") else ""


def _reserve(context: Context, *, calls: int) -> None:
    """Refuse to start unless a call is left beside the `calls` of the stages that must follow."""
    if context.budget.remaining_calls <= calls:
        raise BudgetExhausted(f"{calls} model calls are kept for the answer; raise --max-llm-calls.")
    context.budget.check()


def _status(hits: Sequence[Hit]) -> StepStatus:
    return "found" if hits else "no_evidence"


def _ids(hits: Sequence[Hit]) -> tuple[str, ...]:
    return tuple(hit.chunk.id for hit in hits)
