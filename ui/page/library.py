"""The left panel: which collection, what it holds, and the way in for new documents."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from nicegui import events, ui

from hopcite.errors import HopciteError
from hopcite.settings import COLLECTION_NAME
from ingest import LedgerEntry
from ui.page.parts import BIN, CROSS, PLUS, box, button, confirm_deletion, set_text, text
from ui.page.render import format_of
from ui.page.uploads import Uploads
from ui.state import Parts
from ui.text import plural

# Rows that a browser lays out at once without a pause; the filter finds the others.
_ROWS = 200
_TOGGLE = "() => document.querySelector('.shell').classList.toggle('library-open')"
CLOSE_PANEL = "() => document.querySelector('.shell').classList.remove('library-open')"


class Library:
    """The panel, and the state that the conversation needs of it: the collection's name and its documents."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.collection = parts.settings.collection
        self.entries: list[LedgerEntry] = []
        self._changed: list[Callable[[], Awaitable[None]]] = []
        self._wanted = ""
        box("scrim").on("click", js_handler=CLOSE_PANEL)
        with box("library", tag="aside") as panel:
            panel.props["aria-label"] = "Conversations and documents"
            self._head()
            with box("library-collection"):
                text("Collection", "eyebrow")
                with box("collection-row"):
                    self._select = ui.select([self.collection], value=self.collection, on_change=self._chosen)
                    self._select.props("outlined dense options-dense hide-bottom-space aria-label=Collection")
                    button("New collection", "icon-button", self._ask_name, paths=PLUS)
            self.place_for_history = box("history")
            self._uploads = Uploads(parts, collection=lambda: self.collection, after=self.refresh)
            self._filter_row = box("filter-row")
            with self._filter_row:
                self._filter = ui.input(placeholder="Filter documents", on_change=self._narrow)
                self._filter.props('dense borderless clearable debounce=200 aria-label="Filter documents"')
            self._list = box("documents", tag="ul")
            self._list.props["aria-label"] = "Stored documents"
        ui.timer(0, self._start, once=True)

    def on_change(self, handler: Callable[[], Awaitable[None]]) -> None:
        """Call `handler` when the collection or its documents have changed."""
        self._changed.append(handler)

    async def refresh(self) -> None:
        """Read the ledger again."""
        try:
            self.entries = await self._parts.documents(self.collection)
        except HopciteError as exc:
            self.entries = []
            ui.notify(str(exc), type="warning")
        self._draw()
        for handler in self._changed:
            await handler()

    async def choose(self, name: str) -> None:
        """Change to another collection."""
        self.collection = name
        self._select.set_options(sorted({*self._select.options, name}), value=name)
        self._filter.set_value("")
        await self.refresh()

    async def _start(self) -> None:
        try:
            names = await self._parts.collections()
        except HopciteError as exc:
            ui.notify(str(exc), type="warning")
        else:
            self._select.set_options(names, value=self.collection)
        await self.refresh()

    def _head(self) -> None:
        with box("brand"):
            ui.html('<span class="brand-mark" aria-hidden="true"></span>')
            text("Hopcite", "brand-name", tag="h1")
            close = button("Close the documents panel", "icon-button narrow-only", lambda: None, paths=CROSS)
            close.on("click", js_handler=CLOSE_PANEL)

    async def _chosen(self, event: events.ValueChangeEventArguments[str | None]) -> None:
        if event.value and event.value != self.collection:
            await self.choose(event.value)

    def _ask_name(self) -> None:
        async def create() -> None:
            name = (field.value or "").strip()
            if not re.fullmatch(COLLECTION_NAME, name):
                set_text(problem, "Use letters, digits, '-' and '_'; at most 64.")
                return
            dialog.close()
            with self._list:  # the dialog is deleted when it has closed
                await self.choose(name)

        with ui.dialog() as dialog, box("sheet"):
            text("New collection", "sheet-title", tag="h2")
            text("Documents are searched together within a collection.", "muted")
            field = ui.input(placeholder="Name").props('outlined dense autofocus aria-label="Name"')
            field.on("keydown.enter", create, args=[])
            problem = text("", "problem")
            with box("sheet-buttons"):
                button("Cancel", "button", dialog.close)
                button("Create", "button primary", create)
        dialog.on("hide", dialog.delete, args=[])
        dialog.open()

    def _narrow(self, event: events.ValueChangeEventArguments[str | None]) -> None:
        self._wanted = (event.value or "").strip().lower()
        self._draw()

    def _draw(self) -> None:
        found = [e for e in self.entries if self._wanted in e.title.lower() or self._wanted in e.source.lower()]
        self._filter_row.set_visibility(len(self.entries) > 8)
        self._list.clear()
        with self._list:
            for entry in found[:_ROWS]:
                self._row(entry)
            if len(found) > _ROWS:
                text(f"and {plural(len(found) - _ROWS, 'more document')}; use the filter.", "muted note", tag="li")
            elif self.entries and not found:
                text("No document matches the filter.", "muted note", tag="li")
            elif not self.entries:
                text("No documents yet.", "muted note", tag="li")

    def _row(self, entry: LedgerEntry) -> None:
        with box("entry", tag="li"):
            text(format_of(entry.source), "format")
            with box("entry-text"):
                text(entry.title, "entry-title").props["title"] = f"{entry.title}\n{entry.source}"
                text("indexing…" if entry.status == "indexing" else plural(entry.chunks, "passage"), "muted small")
            button(f"Delete {entry.title}", "icon-button quiet", lambda: self._confirm(entry), paths=BIN)

    def _confirm(self, entry: LedgerEntry) -> None:
        async def delete() -> None:
            try:
                await self._parts.delete([entry.id], collection=self.collection)
            except HopciteError as exc:
                ui.notify(str(exc), type="warning")
            await self.refresh()

        note = f"“{entry.title}” and its passages leave the collection. The file on your disk stays."
        confirm_deletion("Delete this document?", note, delete, place=self._list)


def toggle_button(label: str, paths: str) -> None:
    """The button that opens the panel where the page is narrow."""
    button(label, "icon-button narrow-only", lambda: None, paths=paths).on("click", js_handler=_TOGGLE)
