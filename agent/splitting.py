"""The nodes that split a question: plan its steps, search for them, answer those that are needed, line up the finds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agent.compare import comparison_of, ends, sides
from agent.context import Context
from agent.evidence import trusted_first, without_examples
from agent.merge import interleaved, merge
from agent.node import Outcome, ids_of, reserve, searched, shown, status_of
from agent.plan import fill, last_link, plan_steps
from agent.signals import answer_likelihood
from agent.state import QUESTION, State
from agent.write import answer_step
from hopcite.errors import ModelMisbehaved
from hopcite.types import Step

# Passages of a step that are read for its answer.
STEP_PASSAGES = 3


async def plan(state: State, context: Context) -> Outcome:
    """Decompose the question. A reply that can't be used leaves the question whole.

    So do steps side by side once a draft was written, unless they are weighed against each other: the first search has
    looked for all that the question names.
    """
    change: State = {"planned": True}
    reserve(context, calls=1)
    try:
        steps = await plan_steps(state["question"], chat=context.deps.chat, budget=context.budget)
    except ModelMisbehaved as exc:
        return Outcome(change, {"skipped": str(exc)})
    detail: dict[str, object] = {"steps": [step.question for step in steps]}
    alone = not comparison_of(state["question"]) and not any(step.needs for step in steps)
    if state.get("drafts") and steps and alone:
        return Outcome(change, {**detail, "skipped": "no step waits for another"})
    return Outcome({**change, "steps": (*state["steps"], *steps)}, detail)


async def search_steps(state: State, context: Context) -> Outcome:
    """Search for every step whose needs are met, in one batch; steps whose needs cannot be met any more are skipped."""
    answers = {step.id: step.answer for step in state["steps"] if step.answer}
    round_ = 1 + max(step.round for step in state["steps"])
    ready = [step for step in pending(state) if all(need in answers for need in step.needs)]
    questions = [fill(step, answers) for step in ready]
    results = await searched(questions, context) if ready else []
    done = {
        step.id: replace(step, question=question, round=round_, status=status_of(hits), chunk_ids=ids_of(hits))
        for step, question, hits in zip(ready, questions, results, strict=True)
    }
    blocked = {step.id: replace(step, status="skipped") for step in pending(state) if not ready}
    steps = tuple({**done, **blocked}.get(step.id, step) for step in state["steps"])
    found = {**state["found"], **{step.id: hits for step, hits in zip(ready, results, strict=True)}}
    merged = merge(found, rrf_k=context.deps.settings.search.rrf_k)
    evidence = trusted_first(merged, defences=context.options.defences)
    return Outcome({"steps": steps, "found": found, "evidence": evidence}, {"searched": questions})


async def answer_steps(state: State, context: Context) -> Outcome:
    """Read the answers that waiting steps need, all at once; of a comparison also those of its two sides.

    A step without an answer blocks those that need it.
    """
    needed = {need for step in pending(state) for need in step.needs}
    if comparison_of(state["question"]):
        needed |= {step.id for step in ends(planned(state))}
    asked = [step for step in state["steps"] if step.id in needed and step.status == "found"]
    if not asked or not context.options.step_answers:
        return Outcome({})
    reserve(context, calls=1 + len(asked))
    read = [[passage.seen for passage in shown(state["found"][step.id], context)[:STEP_PASSAGES]] for step in asked]
    replies = await asyncio.gather(
        *(
            answer_step(step.question, passages, chat=context.deps.chat, budget=context.budget)
            for step, passages in zip(asked, read, strict=True)
        )
    )
    answers = [
        without_examples(reply.short_answer, passages, step.question)
        for step, passages, reply in zip(asked, read, replies, strict=True)
    ]
    answered = {
        step.id: replace(step, answer=answer, status="answered" if answer else "no_evidence")
        for step, answer in zip(asked, answers, strict=True)
    }
    steps = tuple(answered.get(step.id, step) for step in state["steps"])
    likely = {step.id: answer_likelihood(reply) for step, reply in zip(asked, replies, strict=True)}
    return Outcome(
        {"steps": steps, "likely": {**state.get("likely", {}), **likely}},
        {"answers": {step.id: step.answer for step in answered.values()}, "likelihoods": likely},
    )


async def gather(state: State, context: Context) -> Outcome:
    """Line up what the steps found with the question's own ranking, the last step first."""
    defences = context.options.defences
    steps = {id_: trusted_first(hits, defences=defences) for id_, hits in state["found"].items() if id_ != QUESTION}
    evidence = interleaved({**dict(reversed(steps.items())), QUESTION: state["evidence"]})
    return Outcome({"evidence": evidence}, {"searches": len(steps), "left_to_ask": chained(state)})


def pending(state: State) -> list[Step]:
    """The planned steps that have not been searched yet."""
    return [step for step in state["steps"] if step.status == "pending"]


def planned(state: State) -> list[Step]:
    """The steps but for the question itself."""
    return [step for step in state["steps"] if step.id != QUESTION]


def chained(state: State) -> str:
    """What a chain that was searched after a draft leaves to ask; empty without one."""
    return last_link(planned(state)) if state.get("drafts") else ""


def compared(state: State) -> bool:
    """Whether both sides of a comparison have their answers."""
    comparison = comparison_of(state["question"])
    return comparison is not None and sides(comparison, planned(state)) is not None
