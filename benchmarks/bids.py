"""What a bid costs: decided in the room alone, and on the path log (fsynced) -> room -> PostgreSQL.

Left out: sockets, decoding, fan-out. The baseline is the same path with a command that does nothing, so that the rules' share
shows. Figures are medians of several rounds in one run.
"""

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from liveserver.auction import model as m
from liveserver.auction.clock import timing
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import named
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.infra.database import open_pool
from liveserver.infra.engines import embedded
from liveserver.infra.migrations import migrate
from liveserver.infra.redis import append_connection, general
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.feed import Feed
from liveserver.rooms.lifecycle import Start, Tick
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import ShowLog, load_functions
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import SYSTEM, Actor, Command, Verdict
from liveserver.rooms.virtual import VirtualLog

BIDS = 20_000
BIDDERS = 500
ROUNDS = 5
BATCH = 100
UNDER_WAY_MAX = 2_000
"""Commands that wait for an answer at once: 500 bidders with four each."""

HOST = Actor("u_host", "Hana", "host")


def opening(lot: str) -> Command:
    rules, clock = named("flat:1", "USD"), timing("timed")
    assert not isinstance(rules, Rejected)
    assert not isinstance(clock, Rejected)
    terms = m.Terms(lot, "show_1", "Leica M3", "USD", Rules(1, None, False, rules), clock, confirm_times=0)
    return command("lot:open", HOST, terms)


def bids(lot: str, count: int) -> list[Command]:
    """Rising maxima of many bidders: every one is accepted and changes the leader."""
    people = [Actor(f"u_{i}", f"Bidder {i}", "viewer") for i in range(BIDDERS)]
    return [command("bid:place", people[i % BIDDERS], m.PlaceBid(lot, 10 + 2 * i)) for i in range(count)]


def per_command_us(commands: Sequence[Command], *before: Command) -> float:
    log = VirtualLog("show_1", FEATURES)
    for first in before:
        log.tell(first)
    began = time.perf_counter()
    for i in range(0, len(commands), BATCH):
        log.append(*commands[i : i + BATCH])
    return (time.perf_counter() - began) / len(commands) * 1e6


def room_alone() -> None:
    start, lot = command("show:start", HOST, Start()), "lot_1"
    noop = [command("show:tick", SYSTEM, Tick())] * BIDS
    placed = bids(lot, BIDS)
    rounds = [
        (per_command_us(noop, start), per_command_us(placed, start, opening(lot))) for _ in range(ROUNDS)
    ]
    baseline, bid = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"room alone, batches of {BATCH}: bid {bid:.1f} us, no-op {baseline:.1f} us (medians of {ROUNDS})")


async def whole_path() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lsbench-", dir="/tmp"))
    folder.chmod(0o711)
    async with embedded(folder / "data") as engines:
        await migrate(engines.database_url)
        pool = await open_pool(engines.database_url)
        redis, appends = general(engines.redis_url), append_connection(engines.redis_url)
        await load_functions(redis)
        feed, clock = Feed(redis), SystemClock()
        show_log = ShowLog("show_1", redis, appends)
        room = LiveRoom("show_1", FEATURES, PROJECTORS, pool, show_log, feed, "bench", clock, LogClock(clock))
        await room.open()
        await room.ask(command("show:start", HOST, Start()))
        rates: list[tuple[float, float, float]] = []
        for number in range(ROUNDS):
            lot = f"lot_{number}"
            await room.ask(opening(lot))
            rates.append(await _rate(room, bids(lot, BIDS)))
            await room.ask(command("lot:pass", HOST, m.PassLot(lot)))
        answered, recorded, p99 = (statistics.median(column) for column in zip(*rates, strict=True))
        print(
            f"log -> room -> record: {answered:,.0f} bids/s answered, p99 {p99:.1f} ms; {recorded:,.0f}/s recorded"
        )
        await room.aclose()
        await feed.aclose()
        for client in (redis, appends):
            await client.aclose()
        await pool.close()


async def _rate(room: LiveRoom, commands: Sequence[Command]) -> tuple[float, float, float]:
    """Answered a second, recorded a second, p99 of the answer in ms."""
    waits: list[float] = []
    all_answered = asyncio.Event()

    def submit(one: Command) -> None:
        sent = time.perf_counter()

        def answer(seq: int, ts: int, verdict: Verdict) -> None:
            assert not isinstance(verdict, Rejected), verdict
            waits.append(time.perf_counter() - sent)
            if len(waits) == len(commands):
                all_answered.set()

        room.submit(one, answer)

    began = time.perf_counter()
    for sent, one in enumerate(commands):
        while sent - len(waits) >= UNDER_WAY_MAX:
            await asyncio.sleep(0)
        submit(one)
    await all_answered.wait()
    answered_s = time.perf_counter() - began
    while room.unrecorded:
        await asyncio.sleep(0.005)
    recorded_s = time.perf_counter() - began
    p99_ms = statistics.quantiles(waits, n=100)[98] * 1000
    return len(commands) / answered_s, len(commands) / recorded_s, p99_ms


if __name__ == "__main__":
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    room_alone()
    uvloop.run(whole_path())
