"""The main panel: a conversation's questions, and their answers as they are made."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

from nicegui import events, ui

from agent import AnswerOptions, Thread
from hopcite.errors import HopciteError, NotFound
from hopcite.types import Answer
from ui.page.answer import AnswerView
from ui.page.library import Library, toggle_button
from ui.page.parts import MENU, PLUS, SEND, STOP, box, button, text
from ui.page.progress import Progress
from ui.page.source import SourcePanel
from ui.state import Parts

log = logging.getLogger("hopcite.server")
_SUBMIT = "(e) => { if (!e.shiftKey && !e.isComposing) { e.preventDefault(); emit(e.target.value); } }"
_TO_END = "setTimeout(() => document.querySelector('.turn:last-child')?.scrollIntoView({block: 'start'}), 50)"


class Conversation:
    """The thread that is shown, and the box for its next question. One question at a time.

    The page's address names the thread, so that a reload shows it again.
    """

    def __init__(self, parts: Parts, *, library: Library, source: SourcePanel, thread: str) -> None:
        self._parts = parts
        self._library = library
        self._source = source
        self._run: asyncio.Task[Answer] | None = None
        self._changed: list[Callable[[], Awaitable[None]]] = []
        self.thread = ""
        """Its name; empty before the first question."""
        self._collection = ""
        with box("main", tag="main"):
            with box("topbar narrow-only"):
                toggle_button("Documents", MENU)
                text("Hopcite", "brand-name grow")
                button("New conversation", "icon-button", self.begin, paths=PLUS)
            with box("turns") as self._turns:
                self._turns.props["aria-live"] = "polite"
            self._welcome = box("welcome")
            self._composer()
        library.on_change(self._library_changed)
        ui.context.client.on_delete(self._stop)
        if thread:
            ui.timer(0, lambda: self.open(thread), once=True)

    def on_change(self, handler: Callable[[], Awaitable[None]]) -> None:
        """Call `handler` when another thread is shown, or this one has got a turn."""
        self._changed.append(handler)

    async def begin(self) -> None:
        """Leave this thread; the next question begins another."""
        await self._show(None)
        self._box.run_method("focus")

    async def open(self, name: str) -> None:
        """Show a thread with its turns."""
        try:
            thread = await self._parts.threads.get(name)
        except HopciteError as exc:
            ui.notify("This conversation is gone." if isinstance(exc, NotFound) else str(exc), type="warning")
            await self.begin()
            return
        await self._show(thread)

    async def _show(self, thread: Thread | None) -> None:
        self._stop()
        self._run = None
        self._set_buttons()
        with self._turns:  # the row that was clicked may be gone before the end
            self._turns.clear()
            self._welcome.set_visibility(thread is None)
            self._name(thread.name if thread else "", thread.collection if thread else "")
            if thread is not None:
                await self._draw(thread)
            await self._tell()

    async def _draw(self, thread: Thread) -> None:
        if thread.collection != self._library.collection:
            await self._library.choose(thread.collection)
        for turn in thread.turns:
            with box("turn", tag="article"):
                text(turn.answer.question, "question")
                AnswerView(turn.answer, collection=thread.collection, source=self._source)
        if thread.unfinished:
            self._draw_unfinished(thread.unfinished)
        ui.run_javascript(_TO_END)

    def _draw_unfinished(self, question: str) -> None:
        with box("turn", tag="article") as turn:
            text(question, "question")
            with box("facts"):
                text("This question has no answer yet.", "muted", tag="span")
                self._offer("Go on", turn, question)

    def _offer(self, label: str, turn: ui.element, question: str) -> None:
        """A button that asks the question of a turn without an answer again; it goes on where it stopped."""

        async def again() -> None:
            if self._run is None:
                with self._turns:  # the button's own place is deleted
                    turn.delete()
                    await self._answer(question)

        button(label, "link-button", again)

    def _name(self, name: str, collection: str) -> None:
        self.thread, self._collection = name, collection
        ui.run_javascript(f"history.replaceState(null, '', '/' + {json.dumps(f'?thread={name}' if name else '')})")

    async def _tell(self) -> None:
        for handler in self._changed:
            await handler()

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
        await self._answer(question)

    async def _answer(self, question: str) -> None:
        if self._run is not None:
            return
        self._welcome.set_visibility(False)
        if not self.thread:
            self._name(uuid.uuid4().hex, self._library.collection)
        with self._turns, box("turn", tag="article") as turn:
            text(question, "question")
            progress = Progress()
        ui.run_javascript(_TO_END)
        options = replace(AnswerOptions.from_settings(self._parts.settings), thread=self.thread)
        self._run = run = asyncio.create_task(
            self._parts.ask(question, options=options, collection=self._collection, on_event=progress.tell)
        )
        self._set_buttons()
        try:
            await self._follow(run, question, turn, progress)
        finally:
            if self._run is run:
                self._run = None
                self._set_buttons()

    async def _follow(self, run: asyncio.Task[Answer], question: str, turn: ui.element, progress: Progress) -> None:
        """Wait for the run, and show its answer or why there is none."""

        def ended(line: str, again: str, *, classes: str = "") -> None:
            progress.end(line, classes=classes)
            if not turn.is_deleted:
                with turn:
                    self._offer(again, turn, question)

        try:
            answer = await run
        except asyncio.CancelledError:
            ended("Stopped.", "Go on")
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
        except HopciteError as exc:
            ended(str(exc), "Try again", classes="problem")
        except Exception:
            log.exception("The chat page's question failed")
            ended("The server failed on this question; its log says why.", "Try again", classes="problem")
        else:
            if not turn.is_deleted:  # another thread is shown meanwhile
                progress.delete()
                with turn, box("answer"):
                    AnswerView(answer, collection=self._collection, source=self._source)
            await self._tell()

    def _stop(self) -> None:
        if self._run is not None:
            self._run.cancel()

    async def _library_changed(self) -> None:
        if self.thread and self._collection != self._library.collection:
            await self.begin()
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
