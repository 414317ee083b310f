"""Answers, passages and stages as plain text."""

from __future__ import annotations

import textwrap

from agent import StageEvent, Thread
from agent.cite import without_markers
from hopcite.types import Answer, Citation, Claim, Hit, Step

WIDTH = 100
_SNIPPET = 240
_STAGES = {
    "retrieve": "Searching…",
    "plan": "Working out what else to look for…",
    "rerank": "Reading the passages…",
    "write": "Writing…",
    "verify": "Checking the quotes…",
}


def answer_text(answer: Answer) -> str:
    """The answer, its citations with their quotes, what they do not show, the searches behind it, and the bill."""
    parts = [_wrapped(answer.answer)]
    if short := headline(answer):
        parts.insert(0, short)
    if answer.citations:
        parts.append("\n".join(map(_citation, answer.citations)))
    if doubtful := doubts(answer):
        parts.append("\n".join(_wrapped(f"! {line}") for line in doubtful))
    searched = rewritten(answer)
    steps = [f"searched for: {searched}"] if searched else []
    steps += [_step(step) for step in answer.steps if step.id != "q"]
    if steps:
        parts.append("\n".join(steps))
    usage = answer.usage
    parts.append(
        f"{answer.status}, confidence {answer.confidence:.2f}; {plural(usage.llm_calls, 'model call')}, "
        f"{plural(usage.prompt_tokens + usage.completion_tokens, 'token')}, {usage.ms['total'] / 1000:.1f} s"
    )
    return "\n\n".join(parts)


def headline(answer: Answer) -> str:
    """The short answer, where the answer does not begin with it; else empty."""
    short = answer.short_answer
    if answer.answer.lower().startswith(short.lower()):
        return ""
    return short.capitalize() if short in ("yes", "no") else short


def doubts(answer: Answer) -> list[str]:
    """What of the answer its quotes do not bear out, and why: what a reader should check first."""
    if answer.status == "unanswerable":
        return []
    return [f"{_doubt(claim)}: “{without_markers(claim.text)}”" for claim in answer.claims if not claim.supported]


def _doubt(claim: Claim) -> str:
    if not claim.citations:
        return "Nothing was found to quote for this"
    return "A name or number is in no quote" if claim.supported is False else "No quote alone shows this"


def rewritten(answer: Answer) -> str | None:
    """The question that was searched for in place of a follow-up; None where it was searched as it stands."""
    searched = answer.steps[0].question if answer.steps else answer.question
    return searched if searched != answer.question else None


def thread_text(thread: Thread) -> str:
    """A conversation, each question above its answer."""
    turns = [f"> {turn.answer.question}\n\n{answer_text(turn.answer)}" for turn in thread.turns]
    if thread.unfinished:
        turns.append(
            f"> {thread.unfinished}\n\nNo answer yet; asked again in this thread, it goes on where it stopped."
        )
    return "\n\n\n".join(turns)


def hit_text(hit: Hit) -> str:
    """A passage with its place."""
    chunk = hit.chunk
    snippet = _wrapped(_shortened(chunk.text), indent="   ")
    return f"{hit.rank}. {chunk.title}  ({place(chunk.source, chunk.page)})\n{snippet}"


def stage_line(event: StageEvent) -> str | None:
    """The line for who waits; None leaves the line as it is."""
    if event.state == "start":
        return _STAGES.get(event.stage)
    hits, steps, question = (event.detail.get(name) for name in ("hits", "steps", "question"))
    if event.stage == "retrieve" and isinstance(hits, int):
        return f"Reading {plural(hits, 'passage')}…"
    if event.stage == "plan" and isinstance(steps, list) and steps:
        return "Looking for: " + " · ".join(str(step) for step in steps)
    if event.stage == "plan" and isinstance(question, str):
        return f"Searching for: {question}"
    return None


def plural(count: int, noun: str) -> str:
    """`1 passage`, `1,204 passages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def place(source: str, page: int | None) -> str:
    """`report.pdf, page 2`."""
    return source if page is None else f"{source}, page {page}"


def _citation(citation: Citation) -> str:
    label = f"[{citation.n}] "
    checked = "" if citation.verified else "  (not verified)"
    head = f"{label}{citation.title}  ({place(citation.source, citation.page)}){checked}"
    quote = " ".join(citation.quote.split())
    return f"{head}\n{_wrapped(f'“{quote}”', indent=' ' * len(label))}"


def _step(step: Step) -> str:
    found = f" -> {step.answer}" if step.answer else f" ({step.status.replace('_', ' ')})"
    return f"{step.id}: {step.question}{found}"


def _shortened(text: str) -> str:
    """One line, cut between words, or within one where a script has no spaces."""
    line = " ".join(text.split())
    if len(line) <= _SNIPPET:
        return line
    space = line.rfind(" ", 0, _SNIPPET)
    return f"{line[: space if space > _SNIPPET // 2 else _SNIPPET]} …"


def _wrapped(text: str, *, indent: str = "") -> str:
    lines = [
        textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
        for line in text.split("\n")
    ]
    return "\n".join(lines)
