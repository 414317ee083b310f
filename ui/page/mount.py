"""Where the page meets the server's app."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from nicegui import app as page_app
from nicegui import ui
from starlette.routing import Match, Mount
from starlette.types import Scope

from ui.page.conversation import Conversation
from ui.page.history import History
from ui.page.library import Library
from ui.page.source import SourcePanel
from ui.state import Parts

_STATIC = Path(__file__).parent.parent / "static"
_OWN_PATHS = ("/_nicegui", "/favicon.ico")


def mount_page(app: FastAPI, parts: Parts) -> None:
    """Serve the chat page at `/`. The toolkit has one app for each process, so the last one that mounts it has it."""

    @ui.page("/", title="Hopcite")
    def page(thread: str = "") -> None:
        _build(parts, thread)

    ui.run_with(
        app,
        title="Hopcite",
        favicon=_STATIC / "favicon.svg",
        dark=None,  # as the reader's system has it
        tailwind=False,  # the page brings its own style sheet
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    # Mounted at "/", the toolkit would answer every unknown path, and every known path with the wrong method.
    app.router.routes = [_PageMount() if isinstance(r, Mount) and r.app is page_app else r for r in app.router.routes]


class _PageMount(Mount):
    """The toolkit's app, for its own paths only."""

    def __init__(self) -> None:
        super().__init__("/", app=page_app)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        if path == "/" or path.startswith(_OWN_PATHS):
            return super().matches(scope)
        return Match.NONE, {}


def _build(parts: Parts, thread: str) -> None:
    ui.add_css(_STATIC / "page.css")
    with ui.element("div").classes("shell"):
        source = SourcePanel(parts)
        library = Library(parts)
        conversation = Conversation(parts, library=library, source=source, thread=thread)
        History(parts, library=library, conversation=conversation)
