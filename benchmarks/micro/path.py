"""What a bid costs on the whole path log (fsynced) -> room -> PostgreSQL, with the real engines.

Left out: sockets, decoding, fan-out. The room's own share is among the operations (`decisions`).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.micro.decisions import HOST, START, bids, opening
from liveserver.auction import model as auction
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.infra.database import open_pool
from liveserver.infra.engines import embedded
from liveserver.infra.migrations import migrate
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.feed import Feed
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import ShowLog, load_functions
from liveserver.rooms.logclock import LogClock
from liveserver.rooms.model import Command, Verdict

BIDS = 20_000
ROUNDS = 5
UNDER_WAY_MAX = 2_000
"""Commands that wait for an answer at once: 500 bidders with four each."""


async def whole_path() -> str:
    """The figures, as a sentence."""
    folder = Path(tempfile.mkdtemp(prefix="lsbench-", dir="/tmp"))
    folder.chmod(0o711)
    async with embedded(folder / "data") as engines:
        await migrate(engines.database_url)
        pool = await open_pool(engines.database_url)
        shards = await Shards.connect(engines.redis_url)
        await load_functions(shards.all()[0].general)
        feed, clock = Feed(shards), SystemClock()
        show_log = ShowLog("show_1", shards)
        room = LiveRoom("show_1", FEATURES, PROJECTORS, pool, show_log, feed, "bench", clock, LogClock(clock))
        await room.open()
        await room.ask(START)
        rates: list[tuple[float, float, float]] = []
        for number in range(ROUNDS):
            lot = f"lot_{number}"
            await room.ask(opening(lot))
            rates.append(await _rate(room, bids(lot, BIDS)))
            await room.ask(command("lot:pass", HOST, auction.PassLot(lot)))
        answered, recorded, p99 = (statistics.median(column) for column in zip(*rates, strict=True))
        await room.aclose()
        await feed.aclose()
        await shards.aclose()
        await pool.close()
    return (
        f"log -> room -> record, medians of {ROUNDS} times {BIDS:,} bids: {answered:,.0f} bids/s answered, p99 {p99:.1f} ms; "
        f"{recorded:,.0f}/s recorded"
    )


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
