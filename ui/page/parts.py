"""Small elements of the page: plain HTML ones with a class, so that the style sheet alone decides how they look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

from nicegui import ui

Handler = Callable[..., Any]


def box(classes: str, *, tag: str = "div") -> ui.element:
    """A container."""
    return ui.element(tag).classes(classes)


def text(content: str, classes: str = "", *, tag: str = "div") -> ui.html:
    """A text, escaped: it may come from a document or a model."""
    return ui.html(escape(content), tag=tag).classes(classes)


def set_text(element: ui.html, content: str) -> None:
    """Change what `text` made."""
    element.set_content(escape(content))


def icon(paths: str) -> ui.html:
    """A line icon of 24 by 24, from our own path data."""
    return ui.html(f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{paths}"/></svg>', tag="span").classes("icon")


def button(label: str, classes: str, on_click: Handler, *, paths: str | None = None) -> ui.element:
    """A button. With an icon, the label is for screen readers and as a tool tip."""
    element = ui.element("button").classes(classes)
    element.props["type"] = "button"
    with element:
        if paths is None:
            text(label, tag="span")
        else:
            element.props["aria-label"] = label
            element.props["title"] = label
            icon(paths)
    return element.on("click", on_click, args=[])


def confirm_deletion(title: str, note: str, delete: Callable[[], Awaitable[None]], *, place: ui.element) -> None:
    """Ask before something is deleted. `delete` runs in `place`: the dialog is deleted when it has closed."""

    async def confirmed() -> None:
        dialog.close()
        with place:
            await delete()

    with ui.dialog() as dialog, box("sheet"):
        text(title, "sheet-title", tag="h2")
        text(note, "muted")
        with box("sheet-buttons"):
            button("Cancel", "button", dialog.close)
            button("Delete", "button danger", confirmed)
    dialog.on("hide", dialog.delete, args=[])
    dialog.open()


PLUS = "M12 5v14M5 12h14"
CROSS = "M6 6l12 12M18 6L6 18"
BIN = "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5"
SEND = "M12 19V5M6 11l6-6 6 6"
STOP = "M7 7h10v10H7z"
MENU = "M4 7h16M4 12h16M4 17h16"
UPLOAD = "M12 16V5M7 10l5-5 5 5M5 19h14"
