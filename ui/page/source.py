"""The source panel: a document's text with the quoted words marked and in view."""

from __future__ import annotations

from nicegui import ui

from hopcite.errors import HopciteError
from hopcite.types import Document
from ui.page.parts import CROSS, box, button, text
from ui.page.render import excerpt
from ui.state import Parts

# Enough to read the quote in its context, and little enough for a phone to lay out at once.
_MARGIN = 4000
_SHOW_MARK = "document.querySelector('.source mark')?.scrollIntoView({block: 'center'})"


class SourcePanel:
    """A panel at the side that opens over the page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        with ui.dialog().props('position=right full-height aria-label="Source"') as self._dialog:
            self._body = box("source")

    async def show(
        self, document_id: str, *, collection: str, start: int, end: int, label: str, page: int | None = None
    ) -> None:
        """Open at `[start:end]` of a document. `label` is what the panel is headed with: `Source 1`."""
        try:
            document = await self._parts.document(document_id, collection=collection)
        except HopciteError as exc:
            ui.notify(str(exc), type="warning")
            return
        self._fill(document, start=start, end=end, label=label, page=page, margin=_MARGIN)
        self._dialog.open()
        # The panel slides in; the mark has its place only afterwards.
        ui.run_javascript(f"setTimeout(() => {_SHOW_MARK}, 60); setTimeout(() => {_SHOW_MARK}, 350)")

    def _fill(
        self, document: Document, *, start: int, end: int, label: str, page: int | None, margin: int | None
    ) -> None:
        shown = excerpt(document.text, start=start, end=end, margin=margin)

        def fill_whole() -> None:
            self._fill(document, start=start, end=end, label=label, page=page, margin=None)
            ui.run_javascript(f"setTimeout(() => {_SHOW_MARK}, 60)")

        self._body.clear()
        with self._body:
            with box("source-head"):
                with box("source-heading"):
                    text(label, "eyebrow")
                    text(document.title, "source-title", tag="h2")
                    where = document.source if page is None else f"{document.source} · page {page}"
                    text(where, "muted small")
                button("Close", "icon-button", self._dialog.close, paths=CROSS)
            with box("source-text") as scroller:
                scroller.props["tabindex"] = "0"
                if shown.before or shown.after:
                    button("Show the whole document", "link-button", fill_whole)
                dots = ("… " if shown.before else "", " …" if shown.after else "")
                ui.html(dots[0] + shown.html + dots[1], tag="div").classes("document")
