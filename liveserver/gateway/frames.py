"""`websockets`' sans-I/O protocol with our bounds: frames a second, fragments a message, the two subprotocols.

It reads no socket and writes none: bytes go in by `receive_data`, frames come out as `events`, bytes to send as `writes`. It
is there for the handshake, for the end, and while a client sends what `framing.whole_frame` does not know.
"""

import logging
from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from liveserver.gateway import closecodes
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from liveserver.gateway.limits import Limits
from liveserver.kernel.limits import TokenBucket

_logger = logging.getLogger("liveserver.gateway.frames")
# The library reports every connection on INFO; at 15,000 of them that is noise. Its errors still come through.
_logger.setLevel(logging.WARNING)

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class FrameReader(ServerProtocol):
    """One connection's frames for a while. Set `now_ms` before `receive`; afterwards look at `events` and `writes`.

    permessage-deflate is never negotiated: it costs 64 KB a connection (facts.md) and opens the door to bombs. `budget` is
    the connection's, frames a second.
    """

    def __init__(self, limits: Limits, budget: TokenBucket, state: State = State.CONNECTING) -> None:
        super().__init__(state=state, max_size=limits.frame_bytes_max, logger=_logger)
        self.now_ms = 0
        self.message: list[bytes] | None = None
        """The parts that have come of a fragmented message."""
        self._fragments_max = limits.fragments_max
        self._fragments = 0
        self._budget = budget
        self._inside = False
        """Whether bytes have come that no whole frame was made of. The parser takes a head out of its buffer before the rest is there."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """The first of the client's that we speak; JSON, unnamed, for a client that names none."""
        if not subprotocols:
            return None
        for offered in subprotocols:
            if offered in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL):
                return offered
        raise NegotiationError(f"this server speaks {JSON_SUBPROTOCOL} and {MSGPACK_SUBPROTOCOL}")

    def recv_frame(self, frame: Frame) -> None:
        """Counts before anything is done for the frame: each ping would queue a pong, each fragment an object."""
        self._inside = bool(self.reader.buffer)
        if not self._budget.take(self.now_ms):
            self.fail(closecodes.FLOOD.code, closecodes.FLOOD.reason())
            return
        if frame.opcode in _DATA:
            self._fragments += 1
            if self._fragments > self._fragments_max:
                self.fail(closecodes.FRAGMENTS.code, closecodes.FRAGMENTS.reason())
                return
            if frame.fin:
                self._fragments = 0
        super().recv_frame(frame)

    @property
    def partial(self) -> bool:
        """Whether part of a frame or of a fragmented message has arrived, and its end has not."""
        return self.current_size is not None or self._inside

    @property
    def settled(self) -> bool:
        """Whether the connection is open and everything was read: nothing is left to do here."""
        return self.state is State.OPEN and not self.partial

    def receive(self, data: bytes) -> bool:
        """`receive_data`, but False where the library gives up with an assertion or after the end of the stream.

        It does so for bytes at moments when it expects none (pipelined behind the handshake; faults.md, "Smuggling").
        """
        self._inside = True
        try:
            self.receive_data(data)
        except (AssertionError, EOFError, RuntimeError):
            return False
        return True

    def release(self) -> None:
        """Breaks the cycle between this object and its parser, so that memory is free without the garbage collector."""
        self.parser.close()
        self.events.clear()
        self.writes.clear()
