"""What every connection passes before it reaches a route: who may ask, and how much they may send."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api.errors import failure_response

# Nothing that a document or a model wrote can make the page load from, or send to, another address.
_PAGE_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """ASGI middleware: refuses other sites' pages and bodies over `max_body` bytes, and adds the security headers.

    The server has no log-in, so any page that a person visits could otherwise post to it: a browser's request must come
    from the page that this server served. A server that listens on loopback only also refuses names that are not
    loopback's, which stops a foreign name from being pointed at it (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, max_body: int, host: str) -> None:
        self.app = app
        self.max_body = max_body
        self.local_only = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            await self._refuse(refusal, scope, receive, send)
            return
        await self.app(scope, self._counting(receive), _with_headers(send))

    def _refusal(self, headers: Headers) -> HTTPException | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            page = host if origin is None else urlsplit(origin).netloc
        except ValueError as exc:
            return HTTPException(400, f"The header Host or Origin is no address ({exc}).")
        if self.local_only and host and not is_loopback(name):
            return HTTPException(403, f"This server answers on this machine only, not as {host}; see server.host.")
        if page != host:
            return HTTPException(403, f"Pages of {origin} may not use this server.")
        if int(headers.get("content-length", "0")) > self.max_body:
            return self._too_large()
        return None

    async def _refuse(self, refusal: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail[:120]})
            return
        await failure_response(refusal, instance=scope["path"])(scope, receive, send)

    def _counting(self, receive: Receive) -> Receive:
        """A body without a length (chunked) is stopped where it passes the limit."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self.max_body:
                    raise self._too_large()
            return message

        return counted

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"The body is over {self.max_body // 2**20} MiB; see server.max_upload_mb.")


def is_loopback(host: str) -> bool:
    """Whether this name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_PAGE_HEADERS]}
        await send(message)

    return sending
