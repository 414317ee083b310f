"""`answer_question`: the one public way from a question to an answer, for every door and for evaluation."""

from __future__ import annotations

import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from agent.calibration import conditions_of, in_force, uncalibrated
from agent.cite import without_markers
from agent.context import AnswerOptions, Context, Deps, StageEvent
from agent.conversation import record, run_in_thread
from agent.graph import build_graph
from agent.state import State
from agent.telemetry import emit_spans, tracer_of
from agent.trace import recording, trace_of
from agent.words import content_words
from agent.write import Draft
from hopcite.budget import Budget
from hopcite.errors import HopciteError, UsageError
from hopcite.recording import Recorder, listening
from hopcite.types import Answer, AnswerStatus, Claim, Trace, TraceEvent, Usage

# The share of the window that a question may fill; the passages and the reply need the rest.
_QUESTION_SHARE = 0.25
# Characters of a token at most, near enough: what is longer need not be counted, which takes long itself.
_LONGEST_TOKEN = 100
# An answer that is right less than once in four times is none to rely on, however well its sentences are borne out.
_DOUBTFUL = 0.25
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
NOTHING_FOUND = "The documents do not hold the answer."


async def answer_question(
    question: str,
    *,
    deps: Deps,
    options: AnswerOptions,
    on_event: Callable[[StageEvent], None] | None = None,
) -> Answer:
    """Answer from the collection, within the budget of `options`. `on_event` hears of each stage as it goes.

    Raises `UsageError` for an empty question or one too long for the model's window, `Unreachable` and
    `ModelFileError` when a part is missing. A spent budget is no error: the answer is then `partial`. In a thread,
    also `ThreadBusy`; and a question that broke off there goes on after its last finished node when it is asked again.
    An error tells what the question had cost by then.
    """
    started = time.perf_counter()
    question = await _checked(question, deps)
    budget = Budget(max_llm_calls=options.max_llm_calls, max_tokens=options.max_tokens, deadline_s=options.deadline_s)
    tracer = tracer_of(deps.settings)
    recorder = Recorder() if options.trace or tracer else None
    context = Context(
        deps=recording(deps) if recorder else deps,
        options=options,
        budget=budget,
        emit=on_event or (lambda _: None),
        recorder=recorder,
    )
    try:
        with listening(recorder):
            answer = await _answered(question, context, started)
    except BaseException as exc:
        if isinstance(exc, HopciteError):
            exc.llm_calls = budget.llm_calls
            exc.prompt_tokens, exc.completion_tokens = budget.prompt_tokens, budget.completion_tokens
        if tracer and recorder:
            emit_spans(tracer, recorder, question, answer=None, error=exc)
        raise
    if tracer and recorder:
        emit_spans(tracer, recorder, question, answer=answer)
    return answer


async def _answered(question: str, context: Context, started: float) -> Answer:
    thread, threads = context.options.thread, context.deps.threads
    if thread is None:
        state = cast("State", await build_graph().ainvoke({"question": question}, context=context))
        return _answer(question, state, context, started)
    if threads is None:
        raise UsageError("There is nowhere to keep a thread; open the parts with `open_deps`, or leave `thread` out.")
    async with threads.held(thread) as store:
        state = await run_in_thread(thread, question, key=_key(context), store=store, context=context)
        answer = _answer(question, state, context, started)
        await record(thread, answer, shown=context.options.evidence, store=store)
    return answer


def _key(context: Context) -> str:
    """Digest of all that decides an answer besides the question and the thread; not of what it may cost."""
    options = replace(context.options, max_llm_calls=None, max_tokens=None, deadline_s=None, trace=False)
    return hashlib.sha256(repr((options, _fingerprint(context.deps))).encode()).hexdigest()[:16]


async def _checked(question: str, deps: Deps) -> str:
    question = " ".join(question.split())
    if not question:
        raise UsageError("The question is empty; write one.")
    if _HALF_CHARACTER.search(question):
        raise UsageError("The question holds half of a surrogate pair, which is no character; write it in UTF-8.")
    allowed = int(deps.chat.context_tokens * _QUESTION_SHARE)
    if len(question) > allowed * _LONGEST_TOKEN:
        raise UsageError(f"The question has {len(question):,} characters, more than the model's window; shorten it.")
    # A token is at least one character, so most questions need no counting.
    if len(question) > allowed and (tokens := await deps.chat.count_tokens(question)) > allowed:
        raise UsageError(
            f"The question has {tokens} tokens and the model's window leaves room for {allowed}; shorten it."
        )
    return question


def _answer(question: str, state: State, context: Context, started: float) -> Answer:
    draft, cited = state.get("draft"), state.get("cited")
    claims = cited.claims if cited else ()
    status = _status(state)
    confidence, told = _confidence(state, context, status)
    steps = tuple(replace(step, status="skipped") if step.status == "pending" else step for step in state["steps"])
    doubted = any(step.status in ("no_evidence", "skipped") for step in steps) or _unshown(draft, claims)
    if status == "answered" and confidence < (context.options.sure if doubted else _DOUBTFUL):
        status = "partial"
    shown = cited.answer if cited and status != "unanswerable" else _said(draft) or NOTHING_FOUND
    total_ms = (time.perf_counter() - started + context.budget.saved_s) * 1000
    return Answer(
        question=question,
        answer=shown,
        short_answer=draft.short_answer if draft else "",
        status=status,
        confidence=confidence,
        claims=claims,
        citations=cited.citations if cited else (),
        steps=steps,
        evidence=state["evidence"],
        usage=_usage(context.budget, state["events"], total_ms),
        fingerprint={**_fingerprint(context.deps), "confidence": told},
        trace=trace_of(context.recorder, context.options)
        if context.recorder and context.options.trace
        else Trace(tuple(state["events"])),
    )


def _unshown(draft: Draft | None, claims: Sequence[Claim]) -> bool:
    """Whether the short answer stands in claims, none of which a quote bears out."""
    words = content_words(draft.short_answer) if draft else frozenset()
    telling = [claim for claim in claims if words and words <= content_words(claim.text)]
    return bool(telling) and not any(claim.supported for claim in telling)


def _said(draft: Draft | None) -> str:
    """Why there is no answer: what the writer says is missing, without its markers, for nothing is cited."""
    return without_markers(draft.text).strip() if draft else ""


def _status(state: State) -> AnswerStatus:
    """partial: time ran out, no model wrote, quotes could not be checked, or do not hold a claim or the short answer.

    So is, in the end, an answer of little confidence, and of no great one where a step was looked for in vain.
    """
    draft, cited = state.get("draft"), state.get("cited")
    if cited is None or not cited.claims or (draft is not None and draft.unknown):
        return "unanswerable"
    if draft is None or draft.cut_short or any(not c.citations or c.supported is False for c in cited.claims):
        return "partial"
    if not all(citation.verified for citation in cited.citations) or state["signals"].quoted == 0:
        return "partial"
    return "answered"


def _confidence(state: State, context: Context, status: AnswerStatus) -> tuple[float, str]:
    """The chance that the answer is right where a calibration tells it, else its signal; and which of them it is."""
    deps = context.deps
    calibration, told = in_force(deps.settings.data_dir, conditions_of(deps, context.options))
    if status == "unanswerable":
        return 0.0, told
    signal, value = uncalibrated(state["signals"])
    found = calibration.confidence(state["signals"]) if calibration else None
    if calibration and found is None:
        told = f"uncalibrated: the calibration is for the {calibration.signal} of an answer, which is not known here"
    return round(value if found is None else found, 3), f"{signal}, {told}"


def _usage(budget: Budget, events: list[TraceEvent], total_ms: float) -> Usage:
    ms: dict[str, float] = defaultdict(float, dict.fromkeys(("plan", "retrieve", "rerank", "write", "verify"), 0.0))
    for event in events:
        ms[str(event.detail["stage"])] += event.ms
    ms["total"] = total_ms
    return Usage(
        llm_calls=budget.llm_calls,
        prompt_tokens=budget.prompt_tokens,
        completion_tokens=budget.completion_tokens,
        ms={stage: round(value, 1) for stage, value in ms.items()},
    )


def _fingerprint(deps: Deps) -> dict[str, object]:
    return {
        "settings": deps.settings.fingerprint(),
        "collection": deps.collection.name,
        "models": {
            "llm": deps.chat.model,
            "encoder": deps.collection.encoder.fingerprint,
            "reranker": deps.reranker.name,
        },
    }
