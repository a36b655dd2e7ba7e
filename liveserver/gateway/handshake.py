"""The opening handshake as a function: a request's head in, the response and what was agreed out.

Strict where being lenient would let a request mean two things to two servers: exact path, one Host, no body, nothing
behind the head. It opens no connection and checks no token.
"""

import http
from collections.abc import Callable

import msgspec
from websockets.http11 import Request

from liveserver.accounts.cookies import session_token
from liveserver.gateway.codecs import JSON_SUBPROTOCOL
from liveserver.gateway.frames import FrameReader
from liveserver.gateway.upgrade import PATH, plain_upgrade


class Site(msgspec.Struct, frozen=True):
    """Which pages may connect, and what their sign-in cookie is called."""

    origins: frozenset[str]
    """Exact origins besides the server's own (`scheme://host[:port]`)."""
    secure: bool
    """Whether people come over https, which gives the session's cookie another name."""


class Agreed(msgspec.Struct, frozen=True):
    """What the handshake settled."""

    subprotocol: str
    token: str
    """The session cookie's value, only from an allowed page: other sites' pages can't act in somebody's name."""


def shake_hands(library: Callable[[], FrameReader], head: bytes, site: Site) -> tuple[bytes, Agreed | None]:
    """The response's bytes and what was agreed, or None for a refusal, after which the connection must be closed.

    `head` is everything up to and including the empty line. `library` makes a fresh reader, for what is not quite plain.
    """
    plain = plain_upgrade(head)
    if plain is not None and (not plain.origin or _allowed(plain.origin, plain.host, site)):
        token = session_token(plain.cookie, secure=site.secure) if plain.origin else ""
        return plain.response(), Agreed(plain.subprotocol or JSON_SUBPROTOCOL, token)
    frames = library()
    try:
        return judged(frames, head, site)
    finally:
        frames.release()


def judged(frames: FrameReader, head: bytes, site: Site) -> tuple[bytes, Agreed | None]:
    """The same by the library alone, which knows all rules. `frames` must be fresh."""
    if not frames.receive(head) or len(frames.events) != 1 or not isinstance(frames.events[0], Request):
        return refusal(400, "Not an HTTP request that this server understands."), None
    request = frames.events.pop()
    assert isinstance(request, Request), "looked at above"
    frames.writes.clear()
    if request.path != PATH:
        return refusal(400, f"The WebSocket is at {PATH}, without a query: tokens go into `hello`."), None
    headers = request.headers
    if len(headers.get_all("Host")) != 1:
        return refusal(400, "Exactly one Host header is required (RFC 9112, 3.2)."), None
    if "Content-Length" in headers or "Transfer-Encoding" in headers:
        return refusal(400, "A WebSocket handshake has no body."), None
    origins = headers.get_all("Origin")
    if len(origins) > 1:
        return refusal(400, "More than one Origin header (RFC 6454, 7.3)."), None
    origin = origins[0] if origins else ""
    if origin and not _allowed(origin, headers["Host"], site):
        return refusal(
            403, "Pages of this origin may not connect; the operator can allow it (origins)."
        ), None
    response = frames.accept(request)
    if response.status_code != 101:
        extra = "Sec-WebSocket-Version: 13\r\n" if response.status_code in (400, 426) else ""
        return refusal(response.status_code, (response.body or b"").decode(), extra), None
    frames.send_response(response)
    written = b"".join(frames.writes)
    frames.writes.clear()
    token = session_token("; ".join(headers.get_all("Cookie")), secure=site.secure) if origin else ""
    return written, Agreed(frames.subprotocol or JSON_SUBPROTOCOL, token)


def refusal(status: int, text: str, extra: str = "") -> bytes:
    """A plain response that ends the connection: nothing behind a failed upgrade may be read as another request."""
    status_line = http.HTTPStatus(status)
    body = f"{text.strip()}\n".encode()
    upgrade = "Upgrade: websocket\r\n" if status == http.HTTPStatus.UPGRADE_REQUIRED else ""
    allow = "Allow: GET\r\n" if status == http.HTTPStatus.METHOD_NOT_ALLOWED else ""
    return (
        f"HTTP/1.1 {status} {status_line.phrase}\r\nConnection: close\r\n{upgrade}{allow}{extra}"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _allowed(origin: str, host: str, site: Site) -> bool:
    # Exact comparison: a suffix or prefix rule would let evil-shop.example in for shop.example. "null" is nobody's.
    return origin in site.origins or origin in (f"http://{host}", f"https://{host}")
