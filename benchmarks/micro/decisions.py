"""The room's share of a command: decided, evolved, told and recorded. No sockets, no engines."""

import asyncio
from collections.abc import Iterable
from typing import Any

from benchmarks.micro.operation import Operation, Work
from liveserver.auction import model as auction
from liveserver.auction.clock import timing
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import named
from liveserver.chat import model as chat
from liveserver.chat.moderation import moderate
from liveserver.cli.features import FEATURES
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.rooms import store
from liveserver.rooms.appender import Appender
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Start, Tick
from liveserver.rooms.log import make_entry
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import SYSTEM, Actor, Command, Entry
from liveserver.rooms.room import Applied
from liveserver.rooms.virtual import VirtualLog
from liveserver.shows.model import ChatSettings

SHOW, LOT = "show_1", "lot_1"
HOST = Actor("u_host", "Hana", "host")
BIDDERS = 500
BATCH = 100
"""Commands in one entry: what a node collects in a turn of its loop under load."""

START = command("show:start", HOST, Start())
NOTHING = command("show:tick", SYSTEM, Tick())


def opening(lot: str = LOT) -> Command:
    """Opens a lot that takes any rising bid and does not close."""
    rules, clock = named("flat:1", "USD"), timing("timed")
    assert not isinstance(rules, Rejected)
    assert not isinstance(clock, Rejected)
    terms = auction.Terms(lot, SHOW, "Leica M3", "USD", Rules(1, None, False, rules), clock, confirm_times=0)
    return command("lot:open", HOST, terms)


def bids(lot: str, count: int) -> list[Command]:
    """Rising maxima of many bidders: every one is accepted and changes the leader."""
    people = [Actor(f"u_{i}", f"Bidder {i}", "viewer") for i in range(BIDDERS)]
    return [
        command("bid:place", people[i % BIDDERS], auction.PlaceBid(lot, 10 + 2 * i)) for i in range(count)
    ]


def chatter(count: int) -> list[Command]:
    """Messages of many people, each settled as the edge does it."""
    settings = ChatSettings()
    people = [Actor(f"u_{i}", f"Viewer {i}", "viewer") for i in range(BIDDERS)]
    said: list[Command] = []
    for i in range(count):
        judged = moderate(f"is number {i} still there?", settings, "viewer", 500)
        assert not isinstance(judged, Rejected)
        said.append(command("chat:send", people[i % BIDDERS], chat.Send(judged.text, judged.digest, 0)))
    return said


def started(**options: Any) -> VirtualLog:
    """A show on air with an open lot."""
    log = VirtualLog(SHOW, FEATURES, **options)
    log.tell(START)
    log.tell(opening())
    return log


def _decided(commands: list[Command]) -> Work:
    log = started()
    batches = [commands[at : at + BATCH] for at in range(0, len(commands), BATCH)]

    def work() -> None:
        for part in batches:
            log.append(*part)

    return work


def _bids(n: int) -> Work:
    return _decided(bids(LOT, n))


def _chatter(n: int) -> Work:
    return _decided(chatter(n))


def _nothing(n: int) -> Work:
    return _decided([NOTHING] * n)


class _Connection:
    """What `store.insert` writes to."""

    async def execute(self, query: str, *args: Any) -> str:
        return ""

    async def copy_records_to_table(self, table: str, *, records: Iterable[Any], **options: Any) -> str:
        for _ in records:
            pass
        return ""


def _recorded(n: int) -> Work:
    applied: list[Applied] = []
    log = started(on_applied=applied.append)
    applied.clear()
    commands = bids(LOT, n)
    for at in range(0, n, BATCH):
        log.append(*commands[at : at + BATCH])

    async def work() -> None:
        facts = store.fact_rows(applied)
        await store.insert(_Connection(), SHOW, [each.entry for each in applied], facts)  # pyright: ignore[reportArgumentType]  # a double

    return work


class _Log:
    """A log that takes everything at once."""

    show = SHOW
    replicas = 0

    def __init__(self) -> None:
        self.seq = 0

    async def append(
        self, node: str, batch: int, estimate_ms: int, count: int, payload: bytes, *, wait_ms: int
    ) -> Entry:
        entry = make_entry("", 1, self.seq + 1, count, estimate_ms, node, batch, payload)
        self.seq += count
        return entry


def _appended(n: int) -> Work:
    clock, commands = VirtualClock(), bids(LOT, n)
    answered = 0

    def answer(seq: int, ts: int, verdict: Any) -> None:
        nonlocal answered
        answered += 1

    async def reopen() -> None:
        raise AssertionError("this log refuses nothing")

    def made(entry: Entry) -> None:
        appender.decided(
            Applied(entry, (), [UNAVAILABLE] * entry.count, [], [])
        )  # nobody looks at the verdicts

    appender = Appender(_Log(), "bench", LogClock(clock), clock, reopen, made)  # pyright: ignore[reportArgumentType]  # a double

    async def work() -> None:
        for at in range(0, n, BATCH):
            for each in commands[at : at + BATCH]:
                appender.submit(each, answer)
            while answered < min(n, at + BATCH):
                await asyncio.sleep(0)

    return work


OPERATIONS = (
    Operation("command", f"no-op command: packed, hashed, applied, in batches of {BATCH}", _nothing, 10_000, (200, 1_200)),
    Operation("bid", "bid: the same, with decide, evolve and events", _bids, 5_000, (100, 500)),
    Operation("chat", "chat message: the same", _chatter, 5_000, (100, 500)),
    Operation("append", f"way into the log: queued, packed in batches of {BATCH}, answered", _appended, 10_000, (200, 1_200)),
    Operation("record", "a bid's rows for PostgreSQL", _recorded, 5_000, (100, 500)),
)  # fmt: skip
