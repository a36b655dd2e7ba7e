"""The network between one node and one engine: a TCP proxy that passes, goes silent, refuses, delays, cuts, or loses what it chooses.

It understands neither protocol: what it may lose is told by bytes to look for. Silence keeps what was sent, as TCP does: it
arrives when the silence ends, also from a sender that has given up meanwhile.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CHUNK_BYTES = 65_536
CHUNKS_MAX = 256
"""Chunks under way in one direction; then reading stops, and the sender's window fills."""
APPENDERS = b"liveserver-append"
"""What connections call themselves that append to a log (liveserver/infra/redis.py)."""
MESSAGES = (b"smessage\r\n", b"\nmessage\r\n")
"""How what was published begins in a subscriber's stream (RESP2)."""


@dataclass(eq=False)
class Link:
    """One connection through the proxy."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    names: set[bytes] = field(default_factory=set)
    """Names the client gave itself, of those that the proxy watches for."""

    def abort(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                end.transport.abort()


class Proxy:
    """One way from one node to one engine; listens on `port` of 127.0.0.1."""

    def __init__(self, target: Path) -> None:
        self.target = target
        """The engine's socket. A change counts for new connections; `cut` ends the old ones."""
        self.lost = 0
        """Answers and messages lost on request so far."""
        self._listener: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self._delay_s = 0.0
        self._lose_answers_to = APPENDERS
        self._lose_answers = 0
        self._lose_messages = 0

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._taken, "127.0.0.1", 0, limit=CHUNK_BYTES)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._listener is not None, "it was entered"
        self._listener.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._listener is not None, "it was entered"
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        return len(self._links)

    # -- what a fault does

    def heal(self) -> None:
        """Everything passes again, and what was held back is delivered."""
        self._refusing = False
        self._delay_s = 0.0
        self._lose_answers = self._lose_messages = 0
        self._passing.set()

    def black_hole(self) -> None:
        """Connections stay, new ones are accepted, nothing is forwarded: as with packets dropped on the way."""
        self._passing.clear()

    def refuse(self) -> None:
        """Everything open breaks, everything new is reset at once."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Everything open breaks; new connections pass."""
        for link in list(self._links):
            link.abort()

    def delay(self, ms: int) -> None:
        """All that travels takes so much longer, each way."""
        self._delay_s = ms / 1000

    def lose_answers(self, count: int, client_name: bytes = APPENDERS) -> None:
        """The next so many answers to connections of that name are lost, each together with its connection."""
        self._lose_answers_to = client_name
        self._lose_answers = count

    def lose_messages(self, count: int) -> None:
        """The next so many reads that carry something published are lost; the subscription stays."""
        self._lose_messages = count

    # -- how

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._relay(reader, Link(writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, reader: asyncio.StreamReader, link: Link) -> None:
        self._links.add(link)
        try:
            await self._passing.wait()
            back, link.far = await asyncio.open_unix_connection(str(self.target), limit=CHUNK_BYTES)
            if link.near.transport.is_closing():
                return
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(link, reader, link.far, from_engine=False))
                both.create_task(self._pump(link, back, link.near, from_engine=True))
        except* OSError:
            pass  # one end broke, or the engine is away: the other end sees a broken connection
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(
        self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_engine: bool
    ) -> None:
        """One direction. Raises OSError when it ends, which ends the other one too."""
        loop = asyncio.get_running_loop()
        under_way: deque[tuple[float, bytes]] = deque()
        arrived, left = asyncio.Event(), asyncio.Event()

        async def deliver() -> None:
            while True:
                while not under_way:
                    arrived.clear()
                    await arrived.wait()
                due, data = under_way.popleft()
                left.set()
                if (wait_s := due - loop.time()) > 0:
                    await asyncio.sleep(wait_s)
                await self._passing.wait()
                if not data:
                    raise ConnectionResetError("the other end has closed")
                if self._is_lost(link, data, from_engine=from_engine):
                    continue
                if target.transport.is_closing():
                    raise ConnectionResetError("this end has closed")
                target.write(data)
                await target.drain()

        async def take() -> None:
            while True:
                try:
                    data = await source.read(CHUNK_BYTES)
                except OSError:
                    data = b""  # broken rather than closed: the end all the same
                under_way.append((loop.time() + self._delay_s, data))
                arrived.set()
                if not data:
                    return
                while len(under_way) >= CHUNKS_MAX:
                    left.clear()
                    await left.wait()

        taking = asyncio.create_task(take())
        try:
            await deliver()
        finally:
            taking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taking

    def _is_lost(self, link: Link, data: bytes, *, from_engine: bool) -> bool:
        if not from_engine:
            # Names are given in a connection's first words, so they are never cut in two.
            if self._lose_answers_to not in link.names and self._lose_answers_to in data:
                link.names.add(self._lose_answers_to)
            return False
        if self._lose_answers > 0 and self._lose_answers_to in link.names:
            self._lose_answers -= 1
            self.lost += 1
            raise ConnectionResetError("the answer is lost, and the connection with it")
        if self._lose_messages > 0 and any(words in data for words in MESSAGES):
            self._lose_messages -= 1
            self.lost += 1
            return True
        return False
