"""Two servers that send back what they get: one of the gateway's own parts, and `websockets` for comparison.

Only here does the gateway echo. Its bounds are set wide, since cases send megabytes in thousands of fragments; what bounds do
is shown in tests/gateway. Everything else (handshake, frames, UTF-8, closing, deadlines) is the gateway's own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from liveserver.gateway.closecodes import CloseCode
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec, Inbound, framed
from liveserver.gateway.connection import Connection
from liveserver.gateway.handshake import Site
from liveserver.gateway.heartbeat import TICK_MS, Wheel
from liveserver.gateway.limits import Limits
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import SystemClock

WIDE = Limits(
    frame_bytes_max=64 * 2**20,
    unsent_bytes_max=64 * 2**20,
    fragments_max=1_000_000,
    frames_per_s=0,
    hello_deadline_ms=600_000,
    message_deadline_ms=600_000,
)
"""9.* sends 16 MiB, and 4 MiB in fragments of 64 bytes; nobody says hello."""


class Echo:
    """A `connection.Host` that hands every message back in the frame it came in."""

    def __init__(self) -> None:
        self.limits = WIDE
        self.clock = SystemClock()
        self.wheel = Wheel(self.clock.monotonic_ms())
        self.site = Site(frozenset(), secure=False)
        self.stats = Stats()
        inbound = Inbound(())
        self.codecs = {name: Codec(name, inbound) for name in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)}
        self.connections: dict[Connection, None] = {}

    def opened(self, connection: Connection) -> CloseCode | None:
        self.connections[connection] = None
        return None

    def received(self, connection: Connection, data: bytes) -> None:
        connection.send(framed(0x81 if connection.codec.text else 0x82, data))

    def lost(self, connection: Connection) -> None:
        self.connections.pop(connection, None)


class Door(asyncio.Protocol):
    """Reads a request's head and gives the transport to a `Connection`, as the gateway's front door does."""

    def __init__(self, host: Echo) -> None:
        self._host = host
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has another base

    def data_received(self, data: bytes) -> None:
        self._head += data
        head, found, behind = self._head.partition(b"\r\n\r\n")
        if found and self._transport is not None:
            Connection(self._host).open(self._transport, head + found, behind)


@contextlib.asynccontextmanager
async def our_echo() -> AsyncIterator[int]:
    """The gateway's parts, on a port."""
    loop = asyncio.get_running_loop()
    host = Echo()

    async def turn() -> None:
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            host.wheel.turn(host.clock.monotonic_ms())

    turning = loop.create_task(turn())
    server = await loop.create_server(lambda: Door(host), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        turning.cancel()
        server.close()
        for connection in tuple(host.connections):
            connection.abort()
        await server.wait_closed()


async def _echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):  # half of the cases end so
        async for message in connection:
            await connection.send(message)


@contextlib.asynccontextmanager
async def websockets_echo() -> AsyncIterator[int]:
    """`websockets`' own server, on a port."""
    async with serve(
        _echo,
        "127.0.0.1",
        0,
        compression=None,
        max_size=None,
        ping_interval=None,
        close_timeout=1,
        write_limit=64 * 2**20,
    ) as server:
        yield next(iter(server.sockets)).getsockname()[1]
