"""`hopcite serve`: the chat page and the API."""

from __future__ import annotations

import typer

from hopcite.settings_layers import load_settings


def serve(
    host: str | None = typer.Option(None, help="Address to listen on; 0.0.0.0 lets other machines in."),
    port: int | None = typer.Option(None, help="Port to listen on; 0 takes a free one."),
) -> None:
    """Serve the chat page, the REST API and its documentation until interrupted."""
    settings = load_settings(flags={"server.host": host, "server.port": port}).settings
    from ui.server import serve as run_server

    run_server(settings)
