"""The nodes that split a question: plan its steps, search for them, answer those that are needed, line up the finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from agent.compare import comparison_of
from agent.conclude import conclusion
from agent.context import Context, StageEvent
from agent.evidence import findings, trusted_first
from agent.merge import interleaved, merge
from agent.nesting import nested, split_by_rule
from agent.node import Outcome, beside_the_writer, drafted, ids_of, reserve, searched, shown, status_of
from agent.plan import ends, fill, linked_steps, plan_steps, without_references
from agent.reading import STEP_PASSAGES, best, read_steps
from agent.sides import side_questions
from agent.state import QUESTION, State
from agent.words import content_words
from agent.write import Draft
from hopcite.errors import ModelMisbehaved
from hopcite.types import Step


async def plan(state: State, context: Context) -> Outcome:
    """Decompose the question: by rule where one is certain, else by the planner. An unusable reply leaves it whole.

    In adaptive mode a question that holds no other is left whole at once, and so are steps side by side once a draft
    was written, unless they are weighed against each other: the first search has looked for all that the question
    names.
    """
    change: State = {"planned": True}
    question = state["question"]
    compared = comparison_of(question) is not None
    rule = side_questions if compared else split_by_rule
    steps = linked_steps(rule(without_references(question))) if _adaptive(context) else ()
    if not steps:
        if _adaptive(context) and not (compared or nested(question)):
            return Outcome(change, {"skipped": "the question holds no other"})
        reserve(context, calls=1)
        try:
            steps = await plan_steps(question, chat=context.deps.chat, budget=beside_the_writer(context))
        except ModelMisbehaved as exc:
            return Outcome(change, {"skipped": str(exc)})
    detail: dict[str, object] = {"steps": [step.question for step in steps]}
    alone = not compared and not any(step.needs for step in steps)
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
    change: State = {"steps": steps, "found": found}
    if not state.get("drafts"):  # else the question's own passages are reranked already
        merged = merge(found, rrf_k=context.deps.settings.search.rrf_k)
        change["evidence"] = trusted_first(merged, defences=context.options.defences)
    new = chain.from_iterable(results)
    return Outcome(change, {"searched": questions, **findings(new, defences=context.options.defences)})


async def answer_steps(state: State, context: Context) -> Outcome:
    """Read the answers that waiting steps need, all at once; in adaptive mode also those of the last steps.

    A step without an answer blocks those that need it.
    """
    needed = {need for step in pending(state) for need in step.needs}
    if _adaptive(context):
        needed |= {step.id for step in ends(planned(state))}
    asked = [step for step in state["steps"] if step.id in needed and step.status == "found"]
    if not asked or not context.options.step_answers:
        return Outcome({})
    read = await read_steps(asked, state["found"], context)
    answers = {id_: best(readings)[0] for id_, readings in read.items()}
    likely = {id_: best(readings)[1] for id_, readings in read.items()}
    steps = tuple(
        replace(step, answer=answers[step.id], status="answered" if answers[step.id] else "no_evidence")
        if step.id in answers
        else step
        for step in state["steps"]
    )
    change: State = {"steps": steps, "likely": {**state.get("likely", {}), **likely}}
    detail: dict[str, object] = {"answers": answers, "likelihoods": likely}
    again = [id_ for id_, readings in read.items() if len(readings) > 1]
    return Outcome(change, {**detail, "read_further": again} if again else detail)


async def conclude(state: State, context: Context) -> Outcome:
    """Take the answer from those of the steps, and quote it from what they found, the last step's first."""
    draft = concluded(state, sure=context.options.sure)
    if draft is None:
        return Outcome({})
    defences = context.options.defences
    steps = {id_: trusted_first(hits, defences=defences) for id_, hits in state["found"].items() if id_ != QUESTION}
    evidence = interleaved({**dict(reversed(steps.items())), QUESTION: state["evidence"]})
    context.emit(StageEvent("write", "text", {"text": draft.text}))
    read = shown(evidence, context)[: STEP_PASSAGES * len(state["steps"])]
    outcome = drafted(draft, read, state, context, most=len(steps))
    return replace(outcome, change={**outcome.change, "evidence": evidence})


def _adaptive(context: Context) -> bool:
    return context.options.mode == "adaptive"


def pending(state: State) -> list[Step]:
    """The planned steps that have not been searched yet."""
    return [step for step in state["steps"] if step.status == "pending"]


def planned(state: State) -> list[Step]:
    """The steps but for the question itself."""
    return [step for step in state["steps"] if step.id != QUESTION]


def concluded(state: State, *, sure: float) -> Draft | None:
    """What the answers of the steps give without a writer; None where that is not enough.

    Nor is the end of a chain that is not `sure` and stands nowhere in what the writer has read: on dev next to no such
    answer was right (docs/decisions.md, "Chains first", "Plans without a planner").
    """
    draft, drafts = conclusion(state["question"], planned(state), state.get("likely", {})), state.get("drafts", ())
    if draft is None or not drafts or draft.short_answer.lower() in ("yes", "no"):
        return draft
    if (draft.likelihood or 0.0) >= sure:
        return draft
    read = (content_words(f"{passage.title} {passage.text}") for passage in drafts[-1].passages)
    return draft if any(content_words(draft.short_answer) <= words for words in read) else None
