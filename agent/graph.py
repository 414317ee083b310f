"""The agent as a LangGraph graph.

    rewrite (in a conversation that has earlier turns)
      │
      ▼
    search ──(always, comparisons)──► plan ──► search_steps ◄──┐
      │ │                             ▲  │          │          │ steps wait for answers
      │ │(never)                      │  │          ▼          │
      │ ▼                             │  │     answer_steps ───┘
      │ rerank ◄──────────────────────┼──┴──────────┤
      ▼ ▼                             │             ▼
    write ◄───(comparisons, at first)─┼─────────────┤
      ├──(not sure, once)─────────────┘             ▼
      ▼                                         conclude
    verify ◄────────────────────────────────────────┘

Adaptive mode reads what the first search found, and takes the writer at its word when its short answer is likely: such
a question costs one call. Else the question is decomposed. Where that gives a chain, of which one step needs the answer
of another, the answer of its last step is the question's; where it gives none, the passages are reranked, and the
writer reads more of them (docs/decisions.md, "Chains first", "Rerank when in doubt"). A question that weighs two things
against each other is decomposed at once, and what is found for each decides (`agent.compare`). `verify` keeps a draft.
What the budget no longer allows is left out, and the answer is written from what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent import nodes, splitting
from agent.compare import comparison_of
from agent.context import Context, Stage, StageEvent
from agent.merge import distinct
from agent.node import Outcome
from agent.splitting import concluded, pending
from agent.state import Spent, State
from agent.trace import state_json
from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted, ModelMisbehaved, OperatorError
from hopcite.types import TraceEvent

_NODES: dict[str, tuple[Stage, Callable[[State, Context], Awaitable[Outcome]]]] = {
    "rewrite": ("plan", nodes.rewrite),
    "search": ("retrieve", nodes.search),
    "plan": ("plan", splitting.plan),
    "search_steps": ("retrieve", splitting.search_steps),
    "answer_steps": ("plan", splitting.answer_steps),
    "conclude": ("write", splitting.conclude),
    "rerank": ("rerank", nodes.rerank),
    "write": ("write", nodes.write),
    "verify": ("verify", nodes.verify),
}

# Past the deadline: a spent one still leaves time for the first search and for quoting it. A share of it, and seconds.
_GRACE, _LEAST_GRACE_S = 0.1, 2.0

Graph = CompiledStateGraph[State, Context, State, State]


@cache
def build_graph() -> Graph:
    """The graph without a memory. It holds no state of its own: one serves every question."""
    return compile_graph(None)


def compile_graph(saver: BaseCheckpointSaver[Any] | None) -> Graph:
    """The graph; with a saver, its state is stored after every node, by thread."""
    graph = StateGraph(State, context_schema=Context)
    for name, (stage, work) in _NODES.items():
        graph.add_node(name, _timed(name, stage, work))
    graph.add_conditional_edges(START, _at_start, ["rewrite", "search"])
    graph.add_edge("rewrite", "search")
    graph.add_conditional_edges("search", _after_search, ["plan", "rerank", "write", "verify"])
    graph.add_conditional_edges("rerank", _after_rerank, ["write", "verify", END])
    graph.add_conditional_edges("plan", _after_plan, ["search_steps", "rerank", "write"])
    graph.add_edge("search_steps", "answer_steps")
    graph.add_conditional_edges("answer_steps", _after_answers, ["search_steps", "conclude", "rerank", "write"])
    graph.add_edge("conclude", "verify")
    graph.add_conditional_edges("write", _after_write, ["plan", "rerank", "verify"])
    graph.add_edge("verify", END)
    return graph.compile(checkpointer=saver)


class _GraphNode(Protocol):
    def __call__(self, state: State, *, runtime: Runtime[Context]) -> Awaitable[dict[str, Any]]: ...


def _timed(name: str, stage: Stage, work: Callable[[State, Context], Awaitable[Outcome]]) -> _GraphNode:
    """Run a node with its events and its time, and leave it out when the budget does not allow it."""

    async def run(state: State, *, runtime: Runtime[Context]) -> dict[str, Any]:
        context = runtime.context
        context.emit(StageEvent(stage, "start"))
        started, recorder = context.budget.elapsed_s, context.recorder
        started_ms = recorder.ms() if recorder else None
        try:
            outcome = await _bounded(work(state, context), context.budget)
        except BudgetExhausted as exc:
            if name == "search":  # there is nothing to answer from
                raise
            outcome = Outcome(_without(name, state), {"skipped": str(exc)})
        except (ModelMisbehaved, OperatorError) as exc:
            # What never worked is an error; what fails after a draft was written leaves that draft.
            if isinstance(exc, OperatorError) and not state.get("drafts"):
                raise
            outcome = Outcome(_without(name, state), {"failed": str(exc)})
        ms = (context.budget.elapsed_s - started) * 1000
        context.emit(StageEvent(stage, "end", outcome.detail))
        event = TraceEvent(name, ms, {"stage": stage, **outcome.detail})
        if recorder:
            full = context.options.trace
            recorder.events.append(
                replace(
                    event,
                    started_ms=started_ms,
                    input=state_json(state) if full else None,
                    output=state_json(outcome.change) if full else None,
                )
            )
        return {**outcome.change, "events": [event], "spent": _spent(context.budget)}

    return run


def _spent(budget: Budget) -> Spent:
    return Spent(budget.llm_calls, budget.prompt_tokens, budget.completion_tokens, budget.elapsed_s)


def _at_start(state: State, runtime: Runtime[Context]) -> str:
    options = runtime.context.options
    return "rewrite" if options.rewrite and (state.get("turns") or options.earlier) else "search"


async def _bounded(work: Awaitable[Outcome], budget: Budget) -> Outcome:
    """Parts keep to the deadline by themselves; one that hangs is given up soon after it."""
    deadline = budget.deadline_s
    patience = None if deadline is None else budget.remaining_s + max(_LEAST_GRACE_S, _GRACE * deadline)
    try:
        async with asyncio.timeout(patience) as bound:
            return await work
    except TimeoutError as exc:
        if not bound.expired():
            raise
        raise BudgetExhausted(f"A part did not answer within {budget.deadline_s} seconds; raise --deadline.") from exc


def _without(name: str, state: State) -> State:
    """The state's change when a node is left out: the run must go on from there and come to its end."""
    if name == "plan":
        return {"planned": True}
    if name == "rerank":
        return {"reranked": True}
    if name == "write":
        return {"final": True}
    if name == "search_steps":
        steps = (replace(step, status="skipped") if step.status == "pending" else step for step in state["steps"])
        return {"steps": tuple(steps)}
    return {}


def _after_search(state: State, runtime: Runtime[Context]) -> str:
    if not state["evidence"] or state.get("final"):
        return "verify"
    options = runtime.context.options
    if options.mode == "always":
        return "plan"
    if options.mode == "never" or not (options.writer and options.write):
        return "rerank"
    return "plan" if comparison_of(state["question"]) else "write"


def _after_plan(state: State, runtime: Runtime[Context]) -> str:
    return "search_steps" if pending(state) else _unsplit(state, runtime)


def _after_answers(state: State, runtime: Runtime[Context]) -> str:
    options = runtime.context.options
    rounds = max(step.round for step in state["steps"])
    if pending(state) and 0 < rounds < options.max_rounds:
        return "search_steps"
    return (
        "conclude" if options.mode == "adaptive" and concluded(state, sure=options.sure) else _unsplit(state, runtime)
    )


def _unsplit(state: State, runtime: Runtime[Context]) -> str:
    """Where no steps gave the answer: adaptive mode reads once before it reranks."""
    return "write" if runtime.context.options.mode == "adaptive" and not state.get("drafts") else "rerank"


def _after_write(state: State, runtime: Runtime[Context]) -> str:
    """After a first draft that is not final, look further, once."""
    drafts, options = state.get("drafts", ()), runtime.context.options
    if not drafts or options.mode != "adaptive" or state.get("final") or drafts[-1].sure(options.sure):
        return "verify"
    # The end of a chain is a name or a number: it does not answer what the writer takes for a question of yes or no.
    if not state["planned"] and drafts[-1].draft.short_answer.lower() not in ("yes", "no"):
        return "plan"
    return "verify" if state.get("reranked") else "rerank"


def _after_rerank(state: State, runtime: Runtime[Context]) -> str:
    options = runtime.context.options
    if not options.write:
        return END
    if not options.writer:
        return "verify"
    # Write again only where there is more to read.
    read = {passage.id for draft in state.get("drafts", ()) for passage in draft.passages}
    best = islice(distinct(state["evidence"]), options.further_evidence)
    return "write" if any(hit.chunk.id not in read for hit in best) else "verify"
