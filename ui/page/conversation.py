"""The main panel: questions, and their answers as they are made."""

from __future__ import annotations

import asyncio
import logging

from nicegui import events, ui

from agent import AnswerOptions
from hopcite.errors import HopciteError
from hopcite.types import Answer
from ui.page.answer import AnswerView
from ui.page.library import Library, toggle_button
from ui.page.parts import MENU, SEND, STOP, box, button, text
from ui.page.progress import Progress
from ui.page.source import SourcePanel
from ui.state import Parts

log = logging.getLogger("hopcite.server")
_SUBMIT = "(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit(e.target.value); } }"
_TO_END = "setTimeout(() => document.querySelector('.turn:last-child')?.scrollIntoView({block: 'start'}), 50)"


class Conversation:
    """Questions of one browser tab, one at a time. Each stands for itself: earlier ones are not part of it."""

    def __init__(self, parts: Parts, *, library: Library, source: SourcePanel) -> None:
        self._parts = parts
        self._library = library
        self._source = source
        self._run: asyncio.Task[Answer] | None = None
        with box("main", tag="main"):
            with box("topbar narrow-only"):
                toggle_button("Documents", MENU)
                text("Hopcite", "brand-name")
            with box("turns") as self._turns:
                self._turns.props["aria-live"] = "polite"
            self._welcome = box("welcome")
            self._composer()
        library.on_change(self._draw_welcome)
        ui.context.client.on_delete(self._stop)

    def _composer(self) -> None:
        with box("composer"), box("composer-box"):
            self._box = ui.textarea(placeholder="Ask a question").classes("question-box")
            self._box.props('autogrow borderless dense rows=1 autofocus aria-label="Question"')
            self._box.on("keydown.enter", self._submitted, js_handler=_SUBMIT)
            self._box.on_value_change(self._set_buttons)
            self._send = button("Ask", "send", self._ask, paths=SEND)
            self._stop_button = button("Stop", "send stop", self._stop, paths=STOP)
        self._set_buttons()

    def _set_buttons(self) -> None:
        running = self._run is not None
        self._send.set_visibility(not running)
        self._stop_button.set_visibility(running)
        self._send.props.set_bool("disabled", not (self._box.value or "").strip())

    async def _submitted(self, event: events.GenericEventArguments) -> None:
        self._box.set_value(event.args)
        await self._ask()

    async def _ask(self) -> None:
        question = (self._box.value or "").strip()
        if not question or self._run is not None:
            return
        self._box.set_value("")
        self._welcome.set_visibility(False)
        collection = self._library.collection
        with self._turns, box("turn", tag="article"):
            text(question, "question")
            progress = Progress()
            shown = box("answer")
        ui.run_javascript(_TO_END)
        self._run = asyncio.create_task(
            self._parts.ask(
                question,
                options=AnswerOptions.from_settings(self._parts.settings),
                collection=collection,
                on_event=progress.tell,
            )
        )
        self._set_buttons()
        try:
            answer = await self._run
        except asyncio.CancelledError:
            progress.end("Stopped.")
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
        except HopciteError as exc:
            progress.end(str(exc), classes="problem")
        except Exception:
            log.exception("The chat page's question failed")
            progress.end("The server failed on this question; its log says why.", classes="problem")
        else:
            progress.delete()
            with shown:
                AnswerView(answer, collection=collection, source=self._source)
        finally:
            self._run = None
            self._set_buttons()

    def _stop(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _draw_welcome(self) -> None:
        self._welcome.clear()
        entries = self._library.entries
        with self._welcome:
            text("Ask across your documents", "welcome-title", tag="h2")
            if not entries:
                text("Add a few documents to begin: PDF, Word, HTML, Markdown, text or JSONL.", "muted")
                return
            text("Every statement in the answer leads to the words that support it.", "muted")
            with box("prompts"):
                for prompt in sample_prompts([entry.title for entry in entries]):
                    button(prompt, "prompt", lambda prompt=prompt: self._fill(prompt))

    def _fill(self, prompt: str) -> None:
        self._box.set_value(prompt)
        self._box.run_method("focus")


def sample_prompts(titles: list[str]) -> list[str]:
    """Questions that can be asked of documents with these titles."""
    if len(titles) < 2:
        return [f"What is {titles[0]} about?"] if titles else []
    first, middle, last = titles[0], titles[len(titles) // 2], titles[-1]
    return list(
        dict.fromkeys(
            [
                f"What connects {first} and {last}?",
                f"Who is named in both {first} and {middle}?",
                f"Which is older, {middle} or {last}?" if middle != last else f"What is {last} about?",
            ]
        )
    )
