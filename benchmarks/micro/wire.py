"""The socket side's share: bytes to messages, replies and batches to frames, frames to viewers, joins, heartbeats.

Transports are doubles that take bytes and drop them; with real sockets it is `sockets`.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgpack
import orjson

from benchmarks.micro import decisions
from benchmarks.micro.operation import Operation, Work
from liveserver.accounts.model import guest
from liveserver.auction import wire as auction_wire
from liveserver.chat import wire as chat_wire
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.gateway.closecodes import CloseCode
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec, Inbound
from liveserver.gateway.connection import Connection
from liveserver.gateway.fanout import Services, ShowRoom
from liveserver.gateway.handshake import Site
from liveserver.gateway.heartbeat import TICK_MS, Wheel
from liveserver.gateway.lanes import Lanes
from liveserver.gateway.limits import Limits
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.ids import ShowId, UserId
from liveserver.rooms.lifecycle import ROUTES as SHOW_ROUTES
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import ShowLog
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import ROOM, Event
from liveserver.rooms.room import Applied
from liveserver.shows.model import ChatSettings, Show
from liveserver.spotlight.wire import ROUTES as SPOTLIGHT_ROUTES

ROUTES = (
    *SHOW_ROUTES, *chat_wire.routes(), *SPOTLIGHT_ROUTES, *auction_wire.routes(auction_wire.Defaults()),
)  # fmt: skip
CODECS = {name: Codec(name, Inbound(ROUTES)) for name in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)}
LIMITS = Limits(frames_per_s=0, joins_per_s=0, fragments_max=16)
IDLE = 15_000
"""Idle viewers on the wheel, as the issue's target has them."""


class Nowhere:
    """A transport that takes everything and sends nothing."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += 1

    def is_reading(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_protocol(self, protocol: Any) -> None: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


class Host:
    """A `connection.Host` that decodes what comes, as the router does, and leaves it at that."""

    def __init__(self) -> None:
        self.limits = LIMITS
        self.clock = VirtualClock()
        self.wheel = Wheel(self.clock.monotonic_ms())
        self.site = Site(frozenset(), secure=False)
        self.stats = Stats()
        self.codecs = CODECS

    def opened(self, connection: Connection) -> CloseCode | None:
        return None

    def received(self, connection: Connection, data: bytes) -> None:
        connection.codec.decode(data)

    def lost(self, connection: Connection) -> None: ...


def head(subprotocol: str) -> bytes:
    """An opening handshake."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: {subprotocol}\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def viewer(host: Host, subprotocol: str = JSON_SUBPROTOCOL, transport: Any = None) -> Connection:
    """A guest who has said hello."""
    connection = Connection(host)
    connection.open(transport or Nowhere(), head(subprotocol), b"")
    connection.welcome(guest(), "bench")
    return connection


def masked(payload: bytes, *, text: bool) -> bytes:
    """One client's frame."""
    assert len(payload) < 126, "short messages, as clients send them"
    mask = b"\x37\xfa\x21\x3d"
    body = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
    return bytes((0x81 if text else 0x82, 0x80 | len(payload))) + mask + body


BID = {"type": "bid:place", "id": "c17", "payload": {"show": "show_1", "lot": "lot_1", "amount": 12_500}}


def _decoded(subprotocol: str, n: int) -> Work:
    text = subprotocol == JSON_SUBPROTOCOL
    data = masked(orjson.dumps(BID) if text else msgpack.packb(BID), text=text)
    connection = viewer(Host(), subprotocol)

    def work() -> None:
        for _ in range(n):
            connection.data_received(data)

    return work


def _replied(n: int) -> Work:
    connection = viewer(Host())

    def work() -> None:
        for seq in range(n):
            connection.ok("c17", {"seq": seq, "price": 12_500, "leading": True})

    return work


def chat_events(count: int) -> list[Event]:
    """What a room tells its viewers about that many chat messages."""
    applied: list[Applied] = []
    log = decisions.started(on_applied=applied.append)
    applied.clear()
    log.append(*decisions.chatter(count))
    told = [event for _, event in applied[0].events if event.audience == ROOM]
    assert len(told) == count, "each message is one event"
    return told


class Watcher:
    """To the lanes a connection; takes every frame."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.send: Callable[[bytes], None] = _ignore


def _ignore(data: bytes) -> None:
    """Where frames go."""


async def flushed(lanes: Lanes, seqs: Any, events: list[Event], times: int) -> None:
    """Pushes one entry's events and lets them go out, so many times."""
    for _ in range(times):
        last = next(seqs)
        lanes.push(last, 0, [(last, event) for event in events])
        # Longer than any interval of the lanes; on a virtual loop it costs one turn.
        await asyncio.sleep(1)


def _flushed(viewers: int, events: int, n: int) -> Work:
    lanes = Lanes("show_1", 1, 0, LIMITS, Stats())
    for _ in range(viewers):
        lanes.admit(Watcher(CODECS[JSON_SUBPROTOCOL]), 0)  # pyright: ignore[reportArgumentType]  # a double
    said, seqs = chat_events(events), itertools.count(1)
    return lambda: flushed(lanes, seqs, said, n)


def _turned(n: int) -> Work:
    async def work() -> None:
        for _ in range(n):
            await asyncio.sleep(1)

    return work


class Presence:
    """Counts nobody."""

    def enter(self, show: str) -> None: ...
    def leave(self, show: str) -> None: ...
    def react(self, show: str, emoji: str) -> None: ...
    def on_state(self, callback: Any) -> None: ...


def show_room(members: int) -> tuple[ShowRoom, Callable[[], None], Host]:
    """A room with chat and an open lot, how to let one more entry happen in it, and the host of its connections."""
    clock, nothing = VirtualClock(), None
    show_log = ShowLog("show_1", nothing)  # pyright: ignore[reportArgumentType]  # nothing is appended
    live = LiveRoom(
        "show_1", FEATURES, PROJECTORS, nothing, show_log, nothing, "bench", clock, LogClock(clock)  # pyright: ignore[reportArgumentType]  # engines are not asked
    )  # fmt: skip
    log = decisions.started(on_applied=lambda applied: live._receive(applied.entry))
    said = itertools.cycle(decisions.chatter(100))
    for _ in range(100):
        log.append(next(said))
    record = Show(
        ShowId("show_1"), "Cameras", "", UserId("u_host"), "Hana", (), "USD", "live", None, None, None, "", ChatSettings()
    )  # fmt: skip
    services = Services(nothing, nothing, Presence(), clock, LIMITS, Stats())  # pyright: ignore[reportArgumentType]  # records are not asked
    room, host = ShowRoom(record, live, services), Host()
    for _ in range(members):
        joined(room, viewer(host))
    return room, lambda: (log.append(next(said)), None)[1], host


def joined(room: ShowRoom, connection: Connection) -> None:
    """What the router does for `room:join`."""
    assert connection.identity is not None, "has said hello"
    connection.ok("c2", room.join(connection, connection.identity, None))
    room.greet(connection)


def _joined(members: int, n: int, *, busy: bool) -> Work:
    room, happen, host = show_room(members)
    newcomers = [viewer(host) for _ in range(n)]

    async def work() -> None:
        for newcomer in newcomers:
            if busy:
                happen()
            joined(room, newcomer)
        room.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    return work


def _happened(n: int) -> Work:
    room, happen, _ = show_room(1)

    def work() -> None:
        for _ in range(n):
            happen()
        room.close()

    return work


def _beaten(idle: int, n: int) -> Work:
    host = Host()
    everybody = [viewer(host) for _ in range(idle)]

    def work() -> None:
        for _ in range(n):
            host.clock.advance(TICK_MS)
            now_ms = host.clock.monotonic_ms()
            host.wheel.turn(now_ms)
            if now_ms % 10_000 < TICK_MS:
                for each in everybody:  # all of them have answered their pings
                    each.heard_ms = now_ms

    return work


def _opened(n: int) -> Work:
    host = Host()

    def work() -> None:
        for _ in range(n):
            viewer(host)

    return work


def _of(make: Callable[..., Work], *fixed: Any, **more: Any) -> Callable[[int], Work]:
    return lambda n: make(*fixed, n, **more)


def flush_name(viewers: int, events: int) -> str:
    """The name of one of the flush operations."""
    return f"flush-{viewers}x{events}"


OPERATIONS = (
    Operation("decode-json", "a bid's frame to a typed message, JSON", _of(_decoded, JSON_SUBPROTOCOL), 10_000, (300, 2_300)),
    Operation("decode-msgpack", "the same, MessagePack", _of(_decoded, MSGPACK_SUBPROTOCOL), 10_000, (300, 2_300)),
    Operation("reply", "a bid's answer to bytes on the way", _replied, 20_000, (300, 2_300)),
    Operation("turn", "a turn of the loop with a timer (part of all flushes below)", _turned, 5_000, (100, 600)),
    Operation(flush_name(1, 1), "batch of 1 event built and sent to 1 viewer, sends dropped", _of(_flushed, 1, 1), 2_000, (50, 250)),
    Operation(flush_name(1, 20), "of 20 events", _of(_flushed, 1, 20), 500, (20, 120)),
    Operation(flush_name(1, 500), "of 500 events", _of(_flushed, 1, 500), 40, (2, 7)),
    Operation(flush_name(100, 20), "of 20 events, to 100 viewers", _of(_flushed, 100, 20), 300, (10, 60)),
    Operation(flush_name(1_000, 20), "to 1,000 viewers", _of(_flushed, 1_000, 20), 100, (2, 8)),
    Operation(flush_name(10_000, 20), "to 10,000 viewers", _of(_flushed, 10_000, 20), 20),
    Operation("open", "handshake and hello of a viewer, without the kernel's share", _opened, 500, (10, 60)),
    Operation("join", "join of a quiet room with 1 viewer", _of(_joined, 1, busy=False), 500, (10, 60)),
    Operation("join-10000", "with 10,000 viewers", _of(_joined, 10_000, busy=False), 500),
    Operation("entry", "an entry of one chat message in a live room with listeners", _happened, 500, (20, 120)),
    Operation("join-busy", "that and a join behind it: each needs a fresh snapshot", _of(_joined, 1, busy=True), 300, (10, 60)),
    Operation("wheel", f"a tick of the wheel with {IDLE:,} idle viewers", _of(_beaten, IDLE), 400),
    Operation("wheel-100", "with 100 idle viewers", _of(_beaten, 100), 800, (400, 1_200)),
)  # fmt: skip
