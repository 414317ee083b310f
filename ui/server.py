"""The HTTP server: REST API, API docs and chat page in one app."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from hopcite.errors import UsageError
from hopcite.settings import Settings
from ui.api import ask, chat, documents, health, threads
from ui.api.bodies import NewDocument
from ui.api.errors import Problem, install_handlers
from ui.api.guard import Guard
from ui.state import Parts

# Streams that are still open then are cut; a person who pressed Ctrl+C waits no longer than this.
_SHUTDOWN_S = 5
_ABOUT = "Answers to questions over several of your documents, every claim tied to the exact words that support it."


def create_app(settings: Settings, *, parts: Parts | None = None, page: bool = True) -> FastAPI:
    """The app over `parts`, by default those that the settings name. It closes them when it shuts down.

    `page=False` leaves the chat page out: its toolkit keeps one app for each process.
    """
    parts = parts or Parts(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(parts.warm_up())
        yield
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await parts.aclose()

    # Not FastAPI itself: its documentation page loads Swagger UI from a content network.
    app = FastAPIOffline(
        redoc_url=None,
        static_url="/docs-assets",
        title="Hopcite",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
    )
    app.state.parts = parts
    for router in (ask.router, chat.router, threads.router, documents.router, health.router):
        app.include_router(router)
    install_handlers(app)
    _complete_schema(app)
    if page:
        from ui.page import mount_page  # the toolkit takes a second to import, which API-only callers need not wait

        mount_page(app, parts)
    app.add_middleware(Guard, max_body=settings.server.max_upload_mb * 2**20, host=settings.server.host)
    return app


def serve(settings: Settings) -> None:
    """Serve until interrupted. Raises `UsageError` when the address cannot be had."""
    listening = _listen(settings.server.host, settings.server.port)
    app = create_app(settings)
    host, port = settings.server.host, listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared
    sys.stderr.write(f"Chat page  http://{shown}:{port}/\nAPI docs   http://{shown}:{port}/docs\nCtrl+C stops.\n")
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_SHUTDOWN_S)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything is loaded, so that a taken port is known at once."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if os.name == "posix":
        # Without it a restart within a minute finds the port still waiting for late packets. On Windows the same option
        # means another thing: that a second server may take the port from the first.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except (OSError, TypeError, UnicodeError) as exc:  # the last two: what can be no host's name, such as "ä..b"
        listening.close()
        reason = exc.strerror if isinstance(exc, OSError) else "that is no name of a host"
        raise UsageError(f"Cannot listen on {host}:{port} ({reason}); choose another with --host or --port.") from exc
    return listening


def _complete_schema(app: FastAPI) -> None:
    """Add the two bodies that routes name by reference only."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        for model in (NewDocument, Problem):
            schema["components"]["schemas"].setdefault(model.__name__, model.model_json_schema())
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the schema
