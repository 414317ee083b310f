"""An answer as it is shown: the words, their sources, and below them how it was found and what it cost."""

from __future__ import annotations

from nicegui import events, ui

from hopcite.types import Answer, Citation, Hit, Step
from ui.page.parts import box, text
from ui.page.render import answer_html
from ui.page.source import SourcePanel
from ui.text import doubts, headline, plural, rewritten

_EMIT_NUMBER = "(e) => { const chip = e.target.closest('.chip'); if (chip) emit(chip.dataset.n); }"
_STATUS = {"answered": "Answered", "partial": "Partly answered", "unanswerable": "Not in the documents"}
_STEP_STATUS = {
    "pending": "not searched",
    "found": "passages found",
    "answered": "answered",
    "no_evidence": "nothing found",
    "skipped": "left out",
}
_STAGES = {"plan": "planning", "retrieve": "searching", "rerank": "reranking", "write": "writing", "verify": "checking"}


class AnswerView:
    """Draws an answer into the element that is open, and opens sources on click."""

    def __init__(self, answer: Answer, *, collection: str, source: SourcePanel) -> None:
        self._answer = answer
        self._collection = collection
        self._source = source
        self._citations = {citation.n: citation for citation in answer.citations}
        if (searched := rewritten(answer)) is not None:
            text(f"Searched for: {searched}", "searched")
        self._words()
        if answer.citations:
            self._sources()
        for line in doubts(answer):
            text(line, "doubt")
        self._facts()
        self._steps()
        self._evidence()

    def _words(self) -> None:
        answer = self._answer
        if short := headline(answer):
            text(short, "short-answer")
        prose = ui.html(answer_html(answer.answer, citations=self._citations)).classes("prose")
        prose.on("click", self._chip, js_handler=_EMIT_NUMBER)

    async def _chip(self, event: events.GenericEventArguments) -> None:
        await self._open(self._citations[int(event.args)])

    async def _open(self, citation: Citation) -> None:
        await self._source.show(
            citation.document_id,
            collection=self._collection,
            start=citation.start,
            end=citation.end,
            label=f"Source {citation.n}",
            page=citation.page,
        )

    def _sources(self) -> None:
        with box("sources"):
            for citation in self._answer.citations:
                with box("source-card", tag="button") as card:
                    card.props["type"] = "button"
                    with box("source-card-head", tag="span"):
                        text(str(citation.n), "chip", tag="span")
                        text(citation.title, "source-card-title", tag="span")
                        if citation.page is not None:
                            text(f"p. {citation.page}", "muted small", tag="span")
                    text(f"“{citation.quote}”", "source-card-quote", tag="span")
                    if not citation.verified:
                        text("The quote was not compared with the stored text.", "problem small", tag="span")
                card.on("click", lambda citation=citation: self._open(citation), args=[])

    def _facts(self) -> None:
        answer, usage = self._answer, self._answer.usage
        with box("facts"):
            text(_STATUS[answer.status], f"badge {answer.status}", tag="span")
            if answer.status != "unanswerable":
                text(f"Confidence {answer.confidence:.0%}", "fact", tag="span")
            text(f"{usage.ms.get('total', 0.0) / 1000:.1f} s", "fact", tag="span").props["title"] = _times(usage.ms)
            text(plural(usage.llm_calls, "model call"), "fact", tag="span")
            tokens = text(plural(usage.prompt_tokens + usage.completion_tokens, "token"), "fact", tag="span")
            tokens.props["title"] = f"{usage.prompt_tokens:,} read, {usage.completion_tokens:,} written"

    def _steps(self) -> None:
        steps = [step for step in self._answer.steps if step.id != "q"]
        if not steps:
            return
        with _fold(f"{plural(len(steps), 'sub-question')}"), box("steps", tag="ol"):
            for step in steps:
                _step(step)

    def _evidence(self) -> None:
        hits = self._answer.evidence
        if not hits:
            return
        with _fold(plural(len(hits), "passage") + " considered"), box("evidence", tag="ol"):
            for hit in hits:
                self._passage(hit)

    def _passage(self, hit: Hit) -> None:
        async def show() -> None:
            chunk = hit.chunk
            await self._source.show(
                chunk.document_id,
                collection=self._collection,
                start=chunk.start,
                end=chunk.end,
                label=f"Passage {hit.rank}",
                page=chunk.page,
            )

        with box("passage", tag="li"), box("passage-button", tag="button") as row:
            row.props["type"] = "button"
            text(hit.chunk.title, "source-card-title", tag="span")
            text(hit.chunk.text, "passage-text", tag="span")
        row.on("click", show, args=[])


def _step(step: Step) -> None:
    with box("step", tag="li"):
        text(step.question, "step-question")
        found = step.answer or _STEP_STATUS[step.status]
        text(f"{found} · {plural(len(step.chunk_ids), 'passage')}", "muted small")


def _fold(title: str) -> ui.element:
    """A part that opens on request; the browser's own element, so the keyboard works."""
    fold = box("fold", tag="details")
    with fold:
        text(title, tag="summary")
    return fold


def _times(ms: object) -> str:
    times = ms if isinstance(ms, dict) else {}
    return ", ".join(f"{label} {times[stage] / 1000:.1f} s" for stage, label in _STAGES.items() if times.get(stage))
