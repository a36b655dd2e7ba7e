"""One WebSocket connection: bytes to messages and frames to bytes, bounded in every direction.

It knows frames, deadlines and bounds. What a message means is `routing`'s; who hears what is `fanout`'s. There is one
object, no task and no timer per connection: deadlines hang in the one wheel.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from websockets.frames import Frame, Opcode
from websockets.protocol import State

from liveserver.accounts.model import Identity
from liveserver.gateway import closecodes
from liveserver.gateway.closecodes import CloseCode
from liveserver.gateway.codecs import Codec
from liveserver.gateway.frames import FrameReader
from liveserver.gateway.framing import PONG, ping_frame, whole_frame
from liveserver.gateway.handshake import Site, refusal, shake_hands
from liveserver.gateway.heartbeat import NEVER, Rtt, Wheel
from liveserver.gateway.limits import BACKLOG_MAX, BAD_MESSAGES_MAX, CLOSE_GRACE_MS, Limits
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.limits import TokenBucket
from liveserver.rooms.edge import Cost

_EARLY_PING_MS = 1_000
"""A second ping soon after the first: one sample of the way taken during the rush of joining would be a poor one."""


class Host(Protocol):
    """What connections need of the gateway."""

    limits: Limits
    clock: Clock
    wheel: Wheel
    site: Site
    stats: Stats
    codecs: dict[str, Codec]

    def opened(self, connection: "Connection") -> CloseCode | None: ...
    def received(self, connection: "Connection", data: bytes) -> None: ...
    def lost(self, connection: "Connection") -> None: ...


def _nowhere(data: bytes) -> None:
    """Where bytes for a closed connection go."""


class Connection(asyncio.Protocol):
    """A socket that speaks our protocol. `send` takes whole frames; after the close it takes them and does nothing."""

    __slots__ = (
        "__weakref__",
        "_backlog",
        "_bad",
        "_buckets",
        "_budget",
        "_closing_ms",
        "_frames",
        "_held",
        "_host",
        "_partial_ms",
        "_ping_due_ms",
        "_ping_ms",
        "_ping_number",
        "_transport",
        "client",
        "codec",
        "cookie_token",
        "heard_ms",
        "identity",
        "opened_ms",
        "rooms",
        "rtt",
        "send",
        "slot",
    )

    def __init__(self, host: Host) -> None:
        now_ms = host.clock.monotonic_ms()
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._frames: FrameReader | None = None
        """Reads what `whole_frame` does not know; there only while it is needed."""
        # Twice a second's worth at once: a client that comes back after a pause sends what it has kept.
        self._budget = TokenBucket(host.limits.frames_per_s, host.limits.frames_per_s * 2, now_ms)
        self.codec: Codec = host.codecs["live.v1.json"]
        self.send: Callable[[bytes], None] = _nowhere
        self.slot = -1
        self.identity: Identity | None = None
        """Who this is; None until `hello` was accepted."""
        self.client = ""
        """The client instance named in `hello`."""
        self.cookie_token = ""
        self.rooms: dict[str, Any] = {}
        """Show id to what `fanout` keeps for this connection."""
        self.rtt: Rtt | None = None
        self.opened_ms = self.heard_ms = now_ms
        self._backlog: deque[bytes] | None = None
        self._held = False
        self._bad = 0
        self._buckets: dict[Cost, TokenBucket] | None = None
        self._closing_ms = self._partial_ms = 0
        self._ping_due_ms = self._ping_ms = self._ping_number = 0

    # Opening

    def open(self, transport: asyncio.Transport, head: bytes, behind: bytes) -> None:
        """Takes over a transport of which a request's head was read. `behind` is what came after it: nothing should.

        Always ends with either an open connection or a refusal written and the transport closing.
        """
        self._transport = transport
        transport.set_protocol(self)
        if not transport.is_reading():
            transport.resume_reading()
        response, agreed = shake_hands(
            partial(FrameReader, self._host.limits, self._budget), head, self._host.site
        )
        if behind and agreed is not None:
            # RFC 6455, 4.1: a client must wait for the response. Who does not is broken or is smuggling.
            response, agreed = refusal(400, "Bytes behind the handshake."), None
        transport.write(response)
        if agreed is None:
            self._host.stats.refused += 1
            self._hang_up()
            return
        self.codec = self._host.codecs[agreed.subprotocol]
        self.cookie_token = agreed.token
        # The transport calls pause_writing once more than this is unsent: the bound costs nothing per write.
        transport.set_write_buffer_limits(high=self._host.limits.unsent_bytes_max)
        self.send = transport.write
        refused = self._host.opened(self)
        if refused is not None:
            self.close(refused)
            return
        self._host.wheel.set(self, self.opened_ms + self._host.limits.hello_deadline_ms)

    def welcome(self, identity: Identity, client: str) -> None:
        """`hello` was accepted: heartbeats begin."""
        self.identity = identity
        self.client = client
        now_ms = self._host.clock.monotonic_ms()
        beat_ms = self._host.limits.heartbeat_ms
        if identity.role == "guest":
            # Guests can't bid, so nobody needs their round trip; spread, so that 10,000 that came at once are not
            # pinged at once for ever.
            self._ping_due_ms = now_ms + random.randrange(beat_ms // 2, beat_ms + 1)
        else:
            self.rtt = Rtt()
            self._ping(now_ms)
            self._ping_due_ms = now_ms + min(_EARLY_PING_MS, beat_ms)
        self._schedule(now_ms)

    # Bytes in

    def data_received(self, data: bytes) -> None:
        self.heard_ms = now_ms = self._host.clock.monotonic_ms()
        at = self._take_whole(data, now_ms) if self._frames is None else 0
        if at < len(data) and not self._closing_ms:
            self._take_other(data[at:] if at else data, now_ms)

    def _take_whole(self, data: bytes, now_ms: int) -> int:
        """Handles whole frames until one comes that is the library's to judge; returns where that begins."""
        first, size_max, at = self.codec.first, self._host.limits.frame_bytes_max, 0
        while (found := whole_frame(data, at, first, size_max)) is not None:
            if not self._budget.take(now_ms):
                self.close(closecodes.FLOOD)
                break
            kind = data[at]
            payload, at = found
            if kind == PONG:
                self._on_pong(payload, now_ms)
            else:
                self._on_message(payload)
            if self._closing_ms or at == len(data):
                break
        return at

    def _take_other(self, data: bytes, now_ms: int) -> None:
        """Handles bytes with the library, until everything is whole again."""
        frames = self._frames
        if frames is None:
            frames = self._frames = self._library()
        frames.now_ms = now_ms
        if not frames.receive(data):
            self.abort()
            return
        events, frames.events = frames.events, []
        for frame in events:
            assert isinstance(frame, Frame), "after the handshake there are only frames"
            self._on_frame(frames, frame, now_ms)
            if self._closing_ms:
                return
        self._flush_protocol(frames)
        if frames.settled:
            self._frames = None
            self._partial_ms = 0
            frames.release()
        elif not self._partial_ms and not self._closing_ms:
            self._partial_ms = now_ms + self._host.limits.message_deadline_ms
            self._schedule(now_ms)

    def _library(self) -> FrameReader:
        return FrameReader(self._host.limits, self._budget, State.OPEN)

    def _on_frame(self, frames: FrameReader, frame: Frame, now_ms: int) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if (opcode is Opcode.TEXT) is not self.codec.text:
                self._fail(closecodes.UNSUPPORTED_DATA, f"{self.codec.subprotocol} has other frames")
            elif frame.fin:
                self._on_message(bytes(frame.data))
            else:
                frames.message = [bytes(frame.data)]
        elif opcode is Opcode.CONT:
            assert frames.message is not None, "the library refuses a continuation of nothing"
            frames.message.append(bytes(frame.data))
            if frame.fin:
                whole, frames.message = b"".join(frames.message), None
                self._on_message(whole)
        elif opcode is Opcode.PING:
            # The library has queued its pong: now, before the replies to what came behind the ping.
            self.send(frames.writes.pop(0))
        elif opcode is Opcode.PONG:
            self._on_pong(bytes(frame.data), now_ms)

    def _on_message(self, data: bytes) -> None:
        if self.codec.text and not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError:
                self._fail(closecodes.INVALID_DATA, "not UTF-8")
                return
        if self._held:
            self._wait_in_line(data)
        else:
            self._host.received(self, data)

    def _wait_in_line(self, data: bytes) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(data)
        if len(self._backlog) == BACKLOG_MAX and self._transport is not None:
            # At most what one read had brought comes on top of it.
            self._transport.pause_reading()

    def hold(self) -> None:
        """Keeps further messages waiting: messages of one connection are handled in their order."""
        assert not self._held, "one message at a time"
        self._held = True

    def unhold(self) -> None:
        """The message that had to wait may go on; `resume` follows when it was handled."""
        self._held = False

    def resume(self) -> None:
        """Handles the messages that waited, until one of them holds again."""
        backlog = self._backlog
        while backlog and not self._held and not self._closing_ms:
            self._host.received(self, backlog.popleft())
        if not backlog and not self._held:
            self._backlog = None
            if self._transport is not None and not self._transport.is_reading():
                self._transport.resume_reading()

    @property
    def reading(self) -> bool:
        """Whether bytes are being taken from the socket."""
        return self._transport is not None and self._transport.is_reading()

    # Documents out

    @property
    def live(self) -> bool:
        """Open and not closing."""
        return self._transport is not None and not self._closing_ms

    def tell(self, document: dict[str, Any]) -> None:
        """Sends a document at once (the "now" lane)."""
        self.send(self.codec.frame(document))

    def ok(self, number: str, payload: dict[str, Any]) -> None:
        """Answers a message that was done."""
        if number:
            self.send(self.codec.frame({"type": "ok", "id": number, "payload": payload}))

    def error(self, number: str, refused: Rejected, **extra: int) -> None:
        """Answers a message that came to nothing."""
        payload: dict[str, Any] = {
            "code": refused.code,
            "message": refused.message,
            "retryable": refused.retryable,
            "detail": refused.detail,
            **extra,
        }
        self.send(self.codec.frame({"type": "error", "id": number, "payload": payload}))

    def bad(self, number: str, refused: Rejected) -> None:
        """Answers a malformed message, and closes on too many of them."""
        self._host.stats.bad_messages += 1
        self._bad += 1
        self.error(number, refused)
        if self._bad >= BAD_MESSAGES_MAX:
            self.close(closecodes.BAD_MESSAGES)

    def allowed(self, cost: Cost) -> int:
        """0 if one more message of this kind may pass now, else how many ms to wait."""
        if self._buckets is None:
            self._buckets = {}
        bucket = self._buckets.get(cost)
        now_ms = self._host.clock.monotonic_ms()
        if bucket is None:
            rate, burst = self._host.limits.rate(cost)
            bucket = self._buckets[cost] = TokenBucket(rate, burst, now_ms)
        return 0 if bucket.take(now_ms) else max(1, bucket.wait_ms())

    def pause_writing(self) -> None:
        """Called by the transport when `unsent_bytes_max` is passed: this client reads too slowly."""
        # In a later turn: the transport calls this from inside a write.
        asyncio.get_running_loop().call_soon(self.close, closecodes.TOO_SLOW)

    # Heartbeats and deadlines

    def on_due(self, now_ms: int) -> int:
        """See `heartbeat.Timed`."""
        limits = self._host.limits
        if self._closing_ms:
            if now_ms >= self._closing_ms:
                self.abort()
                return NEVER
        elif self.identity is None and now_ms >= self.opened_ms + limits.hello_deadline_ms:
            self.close(closecodes.HELLO_LATE)
        elif self._partial_ms and now_ms >= self._partial_ms:
            self.close(closecodes.MESSAGE_LATE)
        elif now_ms >= self.heard_ms + limits.silent_ms:
            self.close(closecodes.SILENT)
        elif self.identity is not None and self._host.clock.now_ms() >= self.identity.expires_ts:
            self.close(closecodes.TOKEN_EXPIRED)
        elif self._ping_due_ms and now_ms >= self._ping_due_ms:
            self._ping(now_ms)
            self._ping_due_ms = now_ms + limits.heartbeat_ms
        return self._next_due(now_ms)

    def _next_due(self, now_ms: int) -> int:
        if self._closing_ms:
            return self._closing_ms
        limits = self._host.limits
        due_ms = self.heard_ms + limits.silent_ms
        if self.identity is None:
            due_ms = min(due_ms, self.opened_ms + limits.hello_deadline_ms)
        else:
            left_ms = self.identity.expires_ts - self._host.clock.now_ms()
            due_ms = min(due_ms, self._ping_due_ms, now_ms + left_ms)
        return min(due_ms, self._partial_ms) if self._partial_ms else due_ms

    def _schedule(self, now_ms: int) -> None:
        self._host.wheel.set(self, self._next_due(now_ms))

    def _ping(self, now_ms: int) -> None:
        self._ping_number = (self._ping_number + 1) & 0xFFFFFFFF
        self._ping_ms = now_ms
        self.send(ping_frame(self._ping_number.to_bytes(4, "big")))

    def _on_pong(self, data: bytes, now_ms: int) -> None:
        # Only the answer to the latest ping counts, once; unasked pongs are allowed (RFC 6455, 5.5.3) and mean nothing.
        if self.rtt is not None and self._ping_ms and data == self._ping_number.to_bytes(4, "big"):
            self.rtt.add(now_ms - self._ping_ms)
            self._ping_ms = 0

    @property
    def rtt_ms(self) -> int:
        """Best recent round trip; 0 until one was measured."""
        return self.rtt.best_ms if self.rtt is not None else 0

    # The end

    def close(self, code: CloseCode, spread_ms: int | None = None) -> None:
        """Closes with one of our codes; the peer has `CLOSE_GRACE_MS` to hang up."""
        self._fail(code.code, code.reason(spread_ms))

    def fail_internally(self) -> None:
        """Closes after a failure of ours."""
        self.close(closecodes.INTERNAL)

    def _fail(self, code: int, reason: str) -> None:
        if self._transport is None or self._closing_ms:
            return
        frames = self._frames
        if frames is None:
            frames = self._frames = self._library()
        frames.fail(code, reason[: closecodes.REASON_BYTES_MAX])
        self._flush_protocol(frames)

    def _flush_protocol(self, frames: FrameReader) -> None:
        """Writes what the library wants written: pongs, a close frame, and the end of the stream (an empty one)."""
        writes, frames.writes = frames.writes, []
        for data in writes:
            if data:
                self.send(data)
            else:
                self._hang_up()

    def _hang_up(self) -> None:
        """Nothing more is sent; the peer gets a moment to read what was, then the connection is cut."""
        transport = self._transport
        if transport is None or self._closing_ms:
            return
        self.send = _nowhere
        now_ms = self._host.clock.monotonic_ms()
        self._closing_ms = now_ms + CLOSE_GRACE_MS
        frames = self._frames
        if frames is not None and frames.close_sent is not None and frames.close_rcvd is None:
            self._host.stats.closed(frames.close_sent.code)
        self._host.lost(self)
        # Closing with unread bytes makes the kernel reset the connection and the peer lose our last words: so half a
        # close first, and what still comes is read and thrown away until the peer hangs up.
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()  # TLS has no half close
        self._host.wheel.set(self, self._closing_ms)

    def abort(self) -> None:
        """Cuts the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> bool:
        """The peer hung up: so do we (False closes the transport)."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.wheel.forget(self)
        if not self._closing_ms:
            self._closing_ms = 1
            self._host.lost(self)
        self.send = _nowhere
        self._transport = None
        self._backlog = None
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.release()
