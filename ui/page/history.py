"""The list of conversations in the left panel."""

from __future__ import annotations

from nicegui import ui

from agent import Thread
from hopcite.errors import HopciteError
from ui.page.conversation import Conversation
from ui.page.library import CLOSE_PANEL, Library
from ui.page.parts import BIN, PLUS, box, button, confirm_deletion, text
from ui.state import Parts
from ui.text import plural

# The last ones; older ones are found with `hopcite threads list`.
_ROWS = 50


class History:
    """The conversations about the collection that is chosen, the one used last first."""

    def __init__(self, parts: Parts, *, library: Library, conversation: Conversation) -> None:
        self._parts = parts
        self._library = library
        self._conversation = conversation
        with library.place_for_history:
            with box("collection-row"):
                text("Conversations", "eyebrow grow")
                begin = button("New conversation", "icon-button", conversation.begin, paths=PLUS)
                begin.on("click", js_handler=CLOSE_PANEL)
            self._list = box("talks", tag="ul")
            self._list.props["aria-label"] = "Conversations"
        library.on_change(self.refresh)
        conversation.on_change(self.refresh)

    async def refresh(self) -> None:
        """Read the threads again."""
        try:
            threads = await self._parts.threads.all()
        except HopciteError as exc:
            ui.notify(str(exc), type="warning")
            threads = []
        own = [thread for thread in threads if thread.collection == self._library.collection]
        self._list.clear()
        with self._list:
            for thread in own[:_ROWS]:
                self._row(thread)
            if not own:
                text("None yet.", "muted small note", tag="li")

    def _row(self, thread: Thread) -> None:
        async def show() -> None:
            await self._conversation.open(thread.name)

        current = " current" if thread.name == self._conversation.thread else ""
        with box(f"talk{current}", tag="li"):
            with box("talk-button", tag="button") as row:
                row.props["type"] = "button"
                row.props["title"] = (
                    f"{thread.title}\n{plural(len(thread.turns), 'question')}, {thread.updated_at[:10]}"
                )
                if current:
                    row.props["aria-current"] = "true"
                text(thread.title, "entry-title", tag="span")
            row.on("click", show, args=[]).on("click", js_handler=CLOSE_PANEL)
            button(f"Delete {thread.title}", "icon-button quiet", lambda: self._confirm(thread), paths=BIN)

    def _confirm(self, thread: Thread) -> None:
        async def delete() -> None:
            try:
                await self._parts.threads.delete([thread.name])
            except HopciteError as exc:
                ui.notify(str(exc), type="warning")
            else:
                if thread.name == self._conversation.thread:
                    await self._conversation.begin()
            await self.refresh()

        note = f"“{thread.title}” and its answers are forgotten. The documents stay."
        confirm_deletion("Delete this conversation?", note, delete, place=self._list)
