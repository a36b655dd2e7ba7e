"""kill -9 of the recorder process in mid-auction: bids go on, the sale becomes final, the record is whole, a successor records.

Counted from outside, as in `test_crash`.
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp

from liveserver.client import LiveClient
from tests.acceptance.test_crash import Bidder, bid_until_stopped, opened, recorded_bids, until
from tests.support.server import JWT, Server, children_of, person

DURATION_MS = 9_000
PROMISES = 100


async def test_a_killed_recorder_costs_no_bid_and_no_sale(new_data_dir: Callable[[], Path]) -> None:
    host = person("Hana", "host")
    bidders = [Bidder(person(f"Bidder{i}")) for i in range(4)]
    stop = asyncio.Event()
    rng = random.Random(3)

    def promised() -> int:
        return sum(len(bidder.acknowledged) for bidder in bidders)

    async with Server(new_data_dir(), {**JWT, "LIVESERVER_UNLIMITED": "true"}) as server:
        show, lot = await opened(server, host, DURATION_MS)
        async with (
            LiveClient(server.socket_url, person("Watcher").token) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for bidder in bidders:
                tasks.create_task(bid_until_stopped(server, show, lot, bidder, stop, rng))
            await _recorded_by(server, "recorder")
            (killed,) = children_of(server.pid, "liveserver.cli.recorder")
            before = promised()
            os.kill(killed, signal.SIGKILL)
            await until(lambda: promised() > before + PROMISES)
            await until(lambda: children_of(server.pid, "liveserver.cli.recorder") not in ([], [killed]))
            room = await client.join(show)
            assert await room.until(lambda: room.view["auction"]["lots"][lot]["status"] == "sold", 30_000)
            stop.set()
    assert '"kind": "recorder"' in server.said
    assert "Traceback" not in server.said
    recorded = await recorded_bids(server.data_dir, show)
    for bidder in bidders:
        for seq, amount in bidder.acknowledged:
            assert recorded.get(seq) == (bidder.who.id, amount)


async def _recorded_by(server: Server, process: str) -> None:
    """Waits until `/metrics` says that this process has recorded something."""
    line = f'liveserver_recorded_facts_total{{process="{process}"}} '
    async with aiohttp.ClientSession() as browser, asyncio.timeout(30):
        while True:
            async with browser.get(f"{server.origin}/metrics") as answer:
                told = [row for row in (await answer.text()).splitlines() if row.startswith(line)]
            if told and float(told[0].removeprefix(line)) > 0:
                return
            await asyncio.sleep(0.1)
