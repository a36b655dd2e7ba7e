"""Joins in turn: as many a second as the node may admit, the others in a bounded line, the rest sent away for a while.

Ten thousand viewers who come back at once are let in evenly, so that bids keep being read meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from liveserver.gateway import closecodes
from liveserver.gateway.closecodes import CloseCode
from liveserver.gateway.codecs import Message
from liveserver.gateway.connection import Connection
from liveserver.gateway.limits import JOINS_WAITING_MAX, Limits
from liveserver.kernel.clock import Clock
from liveserver.kernel.limits import TokenBucket

_BURST_S = 0.1
"""What may come at once: a tenth of a second's joins."""
_LOOK_S = 0.01
"""How often the line moves."""


class Joins:
    """The line of joins of one node."""

    def __init__(self, limits: Limits, clock: Clock, admit: Callable[[Connection, Message], None]) -> None:
        self._clock = clock
        self._admit = admit
        self._bucket = TokenBucket(
            limits.joins_per_s, max(1.0, limits.joins_per_s * _BURST_S), clock.monotonic_ms()
        )
        self._line: deque[tuple[Connection, Message]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: CloseCode | None = None

    def refuse(self, refusal: CloseCode) -> None:
        """From now on nobody enters a show here: they are sent elsewhere with this code, those in line too. Who is in a show
        may still join it again, for that is how a gap is filled."""
        self._refusal = refusal
        line, self._line = self._line, deque()
        for connection, message in line:
            if message.payload.show not in connection.rooms:
                connection.close(refusal)
            else:
                self._line.append((connection, message))

    def now(self, connection: Connection, message: Message) -> bool:
        """True if this join may go ahead. Otherwise the connection is held until `admit`, or closed: the line is full, or this
        node leaves."""
        if self._refusal is not None and message.payload.show not in connection.rooms:
            connection.close(self._refusal)
            return False
        if not self._line and self._bucket.take(self._clock.monotonic_ms()):
            return True
        if len(self._line) >= JOINS_WAITING_MAX:
            connection.close(closecodes.JOINS_BUSY)
            return False
        connection.hold()
        self._line.append((connection, message))
        self._look_later()
        return False

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        now_ms = self._clock.monotonic_ms()
        while self._line and self._bucket.take(now_ms):
            connection, message = self._line.popleft()
            if connection.live:
                self._admit(connection, message)
        if self._line:
            self._look_later()

    def close(self) -> None:
        """Empties the line."""
        if self._timer is not None:
            self._timer.cancel()
        self._line.clear()
