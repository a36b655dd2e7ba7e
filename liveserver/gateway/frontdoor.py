"""The one port's first look: reads a request's head and gives the connection to the WebSocket side or to aiohttp.

Faults it is here for: heads that never end (deadline, also between the requests of a kept-alive connection), and a proxy
that sends a page and then an upgrade over one connection, which only aiohttp sees (`handover`; faults.md, trap 5).
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from liveserver.gateway.connection import Connection, Host
from liveserver.gateway.handshake import refusal
from liveserver.gateway.heartbeat import NEVER
from liveserver.gateway.limits import CLOSE_GRACE_MS, HEAD_BYTES_MAX
from liveserver.gateway.upgrade import PATH

_END = b"\r\n\r\n"
_TARGETS = (PATH.encode(), PATH.encode() + b"?")


class HttpHandler(Protocol):
    """What aiohttp's request handler is to us: a protocol that may be driven by hand."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: BaseException | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class FrontDoor(asyncio.Protocol):
    """One accepted connection, until it turns out to be a WebSocket; for HTTP it stays in front and watches the clock."""

    __slots__ = (
        "_busy",
        "_closing",
        "_deadline_ms",
        "_head",
        "_host",
        "_http",
        "_make_http",
        "_transport",
        "slot",
        "tail",
    )

    def __init__(self, host: Host, make_http: Callable[[], HttpHandler]) -> None:
        self._host = host
        self._make_http = make_http
        self._http: HttpHandler | None = None
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._busy = 0
        self._closing = False
        self._deadline_ms = 0
        self.slot = -1
        self.tail = b""
        """The last bytes read: tells whether anything came behind the latest head."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream's transport by its methods; uvloop's is no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._http is not None:
            if not self._busy and not self._deadline_ms:
                self._arm()
            self.tail = data[-len(_END) :] if len(data) >= len(_END) else (self.tail + data)[-len(_END) :]
            self._http.data_received(data)
            return
        if self._closing:
            return
        head = self._head + data if self._head else data
        end = head.find(_END)
        if not head[:1].isalpha() and head[:1] != b"\r":
            # TLS on a plain port, most often. RFC 9112, 2.2 allows empty lines before a request.
            self._refuse(400, "Not an HTTP request.")
            return
        if end < 0:
            self._head = head
            if len(head) > HEAD_BYTES_MAX:
                self._refuse(431, "Request header fields are too large.")
            return
        self._head = b""
        end += len(_END)
        if end > HEAD_BYTES_MAX:
            self._refuse(431, "Request header fields are too large.")
        elif self._is_ours(head[: head.find(b"\r\n")]):
            self._to_gateway(head[:end], head[end:])
        else:
            self._to_http(head)

    @staticmethod
    def _is_ours(request_line: bytes) -> bool:
        parts = request_line.split(b" ")
        # Any method: a POST to the WebSocket's path is refused by the side that knows why.
        return len(parts) == 3 and (parts[1] == _TARGETS[0] or parts[1].startswith(_TARGETS[1]))

    def _to_gateway(self, head: bytes, behind: bytes) -> None:
        transport, self._transport = self._transport, None
        assert transport is not None, "data comes from a transport"
        self._host.wheel.forget(self)
        Connection(self._host).open(transport, head, behind)

    def _to_http(self, data: bytes) -> None:
        assert self._transport is not None, "data comes from a transport"
        self._disarm()
        self.tail = data[-len(_END) :]
        self._http = self._make_http()
        self._http.connection_made(self._transport)
        self._http.data_received(data)

    def hand_over(self, head: bytes) -> None:
        """Takes the connection away from aiohttp, in the middle of its handling a request with this head.

        aiohttp is told that the connection was lost, so that it lets go of it without closing it.
        """
        http, transport = self._http, self._transport
        assert http is not None, "only a request that aiohttp handles is handed over"
        assert transport is not None, "its handler would not run on a lost connection"
        behind = b"" if self.tail == _END else self.tail
        self._http = self._transport = None
        self._host.wheel.forget(self)
        setattr(http, "transport", None)  # noqa: B010  # aiohttp closes what stands there when it is told of the loss
        http.connection_lost(None)
        Connection(self._host).open(transport, head, behind)

    # The deadline of heads

    def request_began(self) -> None:
        """Aiohttp has read a whole head: what comes now is a body, for which it has limits of its own."""
        self._busy += 1
        self._disarm()

    def request_ended(self) -> None:
        """The answer is on its way; the next bytes are another request's head."""
        self._busy -= 1

    def _arm(self) -> None:
        self._deadline_ms = self._host.clock.monotonic_ms() + self._host.limits.header_deadline_ms
        self._host.wheel.set(self, self._deadline_ms)

    def _disarm(self) -> None:
        self._deadline_ms = 0
        self._host.wheel.forget(self)

    def on_due(self, now_ms: int) -> int:
        """See `heartbeat.Timed`."""
        if not self._deadline_ms or self._transport is None:
            return NEVER
        if now_ms < self._deadline_ms:
            return self._deadline_ms
        self._host.stats.heads_late += 1
        if self._closing or self._http is not None:
            self._transport.abort()
            return NEVER
        self._refuse(408, "The request's head took too long.")
        return self._deadline_ms

    def _refuse(self, status: int, text: str) -> None:
        assert self._transport is not None, "refusals answer data"
        self._closing = True
        self._head = b""
        self._host.stats.refused += 1
        self._transport.write(refusal(status, text))
        self._transport.close()
        # Should the peer not even read the refusal, the connection is cut.
        self._deadline_ms = self._host.clock.monotonic_ms() + CLOSE_GRACE_MS
        self._host.wheel.set(self, self._deadline_ms)

    # What the transport tells, passed on

    def eof_received(self) -> bool | None:
        return self._http.eof_received() if self._http is not None else False

    def pause_writing(self) -> None:
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        if self._http is not None:
            self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.wheel.forget(self)
        http, self._http, self._transport = self._http, None, None
        if http is not None:
            http.connection_lost(exc)
