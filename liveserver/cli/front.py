"""A small round-robin front: one address for several nodes on one machine (`liveserver cluster`, tests of many nodes).

It reads nothing of what it carries: no TLS, no sticky sessions, no forwarded addresses. Nodes see everybody come from this
machine, and believe it, so it is for loopback only; a real deployment has a real balancer (docs/operating/deployment.md).
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Literal, cast

import structlog

from liveserver.cli.ports import BACKLOG_MAX
from liveserver.kernel.tasks import end

CONNECTIONS_MAX = 50_000
"""Connections carried at once, at two descriptors each; who comes beyond that is closed at once, and tries again."""
CONNECT_MAX_S = 1.0
"""Longest wait for a node to take a connection, before the next one is tried."""
LOOK_S = 0.25
"""How often every node is asked for /readyz."""
ANSWER_MAX_S = 2.5
"""Longest wait for that answer: a little longer than a node itself waits for its database."""
ANSWER_BYTES_MAX = 256
"""Of an answer only the first line is read."""
UNSENT_BYTES_MAX = 64 * 1024
"""Bytes kept for an end that does not read; then the other end is not read from either."""

State = Literal["ready", "unready", "down"]
"""unready: it answers, and would rather get nobody (it drains, or its database is away). down: nobody answers."""

log = structlog.get_logger(__name__)


class Target:
    """One node behind the front."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.state: State = "down"
        self.open = 0
        """Connections carried to it now."""
        self.carried = 0
        """The same, counted from the beginning."""


class _Leg(asyncio.Protocol):
    """One half of a carried connection: what it reads is written to the other half (`peer`), no faster than that takes it."""

    def __init__(self, on_made: "Callable[[_Leg], None]") -> None:
        self._on_made = on_made
        self.peer: _Leg | None = None
        self.transport: asyncio.Transport | None = None
        self._early = b""
        self.ended = False
        """It has said that it sends no more."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.Transport", transport
        )  # TCP can be read and written; uvloop's is of no such class
        self.transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._on_made(self)

    def meet(self, peer: "_Leg") -> None:
        """From now on they are each other's other half; what either has said already is passed on."""
        self.peer, peer.peer = peer, self
        for leg in (self, peer):
            outlet = leg._outlet()
            if outlet is not None:
                if leg._early:
                    outlet.write(leg._early)
                if leg.lost.done() or (self.ended and peer.ended):
                    outlet.close()
                elif leg.ended:
                    outlet.write_eof()
            leg._early = b""
            leg.read(on=True)

    def data_received(self, data: bytes) -> None:
        outlet = self._outlet()
        if outlet is not None:
            outlet.write(data)
        elif self.peer is None:
            # Kept for the node that is still being connected to, and no more read: one buffer at most. (Pausing in
            # `connection_made` would not help: uvloop begins to read after it.)
            self._early += data
            self.read(on=False)

    def eof_received(self) -> bool:
        self.ended = True
        if self.peer is None:
            return True
        if self.peer.ended:
            return False
        outlet = self._outlet()
        if outlet is not None:
            outlet.write_eof()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.read(on=False)

    def resume_writing(self) -> None:
        if self.peer is not None:
            self.peer.read(on=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        outlet = self._outlet()
        if outlet is not None:
            # A node that was killed must look like that to its clients; a goodbye is delivered to its last byte.
            outlet.close() if exc is None else outlet.abort()

    def read(self, *, on: bool) -> None:
        """Starts or stops reading; harmless on a connection that ends."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading() if on else transport.pause_reading()

    def cut(self) -> None:
        """Ends this half at once, and so the other."""
        if self.transport is not None:
            self.transport.abort()

    def _outlet(self) -> asyncio.Transport | None:
        transport = self.peer.transport if self.peer is not None else None
        return None if transport is None or transport.is_closing() else transport


class Front:
    """Spreads connections over nodes in turn. `start` once; `stop_accepting` and later `aclose` at the end."""

    def __init__(self, targets: Sequence[tuple[str, int]], *, connections_max: int = CONNECTIONS_MAX) -> None:
        assert targets, "a front without nodes serves nobody"
        self.targets = [Target(host, port) for host, port in targets]
        self.refused = 0
        """Connections closed at once: too many were open, or no node took them."""
        self._connections_max = connections_max
        self._next = 0
        self._server: asyncio.Server | None = None
        self._carrying: dict[asyncio.Task[None], _Leg] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """Connections that are carried, or wait for a node."""
        return len(self._carrying)

    async def start(self, listener: socket.socket) -> None:
        """Accepts on `listener` (bound; see `ports.listen`) once every node was asked whether it is ready."""
        await self._look()
        self._looking = asyncio.create_task(self._look_for_ever(), name="front looks")
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, sock=listener, backlog=BACKLOG_MAX
        )

    def stop_accepting(self) -> None:
        """Nobody new is taken; what is carried goes on, so that nodes can say goodbye."""
        if self._server is not None:
            self._server.close()

    async def aclose(self) -> None:
        """Cuts what is still carried."""
        self.stop_accepting()
        await end(self._looking)
        carrying = dict(self._carrying)
        for task, client in carrying.items():
            task.cancel()
            client.cut()
        await asyncio.gather(*carrying, return_exceptions=True)

    def _accept(self) -> asyncio.Protocol:
        return _Leg(self._arrived)

    def _arrived(self, client: _Leg) -> None:
        task = asyncio.create_task(self._carry(client), name="carry")
        self._carrying[task] = client
        task.add_done_callback(self._carrying.pop)

    async def _carry(self, client: _Leg) -> None:
        """One connection's life."""
        node = None
        if len(self._carrying) <= self._connections_max:
            node = await self._connected(client)
        if node is None:
            self.refused += 1
            client.cut()
            return
        leg, target = node
        target.open += 1
        target.carried += 1
        try:
            leg.meet(client)
            await asyncio.gather(client.lost, leg.lost)
        finally:
            target.open -= 1
            leg.cut()

    async def _connected(self, client: _Leg) -> tuple[_Leg, Target] | None:
        loop = asyncio.get_running_loop()
        for target in self._in_turn():
            try:
                async with asyncio.timeout(CONNECT_MAX_S):
                    _, leg = await loop.create_connection(lambda: _Leg(_nothing), target.host, target.port)
            except (OSError, TimeoutError):
                self._found(target, "down")
                continue
            if client.lost.done():
                leg.cut()
                return None
            return leg, target
        return None

    def _in_turn(self) -> list[Target]:
        """Ready nodes, beginning with the one whose turn it is. When none is, those that answer at all: while PostgreSQL is away
        no node calls itself ready, and yet each one takes bids."""
        self._next += 1
        at = self._next % len(self.targets)
        turn = self.targets[at:] + self.targets[:at]
        ready = [target for target in turn if target.state == "ready"]
        return ready or [target for target in turn if target.state == "unready"]

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()

    async def _look(self) -> None:
        found = await asyncio.gather(*(_state(target) for target in self.targets))
        for target, state in zip(self.targets, found, strict=True):
            self._found(target, state)

    def _found(self, target: Target, state: State) -> None:
        if state != target.state:
            log.info("front_sees_node", port=target.port, state=state, was=target.state)
            target.state = state


def _nothing(_leg: _Leg) -> None:
    pass


async def _state(target: Target) -> State:
    """What a node says of itself now."""
    writer = None
    try:
        async with asyncio.timeout(ANSWER_MAX_S):
            reader, writer = await asyncio.open_connection(target.host, target.port, limit=ANSWER_BYTES_MAX)
            writer.write(
                f"GET /readyz HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nConnection: close\r\n\r\n".encode()
            )
            words = (await reader.readline()).split(b" ", 2)
    except (OSError, TimeoutError, ValueError):  # ValueError: a first line without end
        return "down"
    finally:
        if writer is not None:
            writer.transport.abort()
    return "ready" if words[1:2] == [b"200"] else "unready"
