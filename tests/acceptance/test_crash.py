"""kill -9 of the server in mid-auction, bids in flight: after the restart every acknowledged bid is there, and the lot ends right.

Counted from outside: by what clients were told, and by the record in PostgreSQL.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import verify
from liveserver.client import BidPlaced, LiveClient, LotOpened, Room
from liveserver.infra.database import open_pool
from liveserver.infra.engines import embedded
from liveserver.kernel.errors import Rejected
from tests.support.server import JWT, Person, Server, person

BIDDERS = 12
HANDS = 4
"""Bids that each has under way at once."""
PROMISES = 300
DURATION_MS = 10_000
LOUD = {"LIVESERVER_BIDS_PER_S": "0", "LIVESERVER_FRAMES_PER_S": "0", **JWT}


class Bidder:
    """Bids as fast as answers come, and remembers what it was promised."""

    def __init__(self, who: Person) -> None:
        self.who = who
        self.acknowledged: list[tuple[int, int]] = []
        """(seq, amount) of each bid that was answered `ok`."""

    async def bids(self, room: Room, lot: str, stop: asyncio.Event, rng: random.Random) -> None:
        while not stop.is_set():
            seen = room.view["auction"]["lots"][lot]
            if seen["status"] in {"hammered", "sold", "passed"}:
                return
            amount = seen["min_next"] + rng.randrange(0, 400) * 100
            placed = await room.bid(lot, amount, confirm=True)
            if isinstance(placed, BidPlaced):
                self.acknowledged.append((placed.seq, amount))
            else:
                # A lower bid than somebody else's, or a server that is away: both are answers, none is a promise.
                assert placed.code in {
                    "bid_too_low", "already_leading", "unavailable", "cut", "unconfirmed", "lot_closed", "rate_limited",
                }, placed  # fmt: skip
                await asyncio.sleep(0.01)


async def opened(server: Server, host: Person, duration_ms: int) -> tuple[str, str]:
    """A live show with one running lot."""
    show = await server.new_show(host)
    async with LiveClient(server.socket_url, host.token) as client:
        room = await client.join(show)
        assert not isinstance(await room.start_show(), Rejected)
        lot = await room.open_lot(
            title="Leica M3",
            start=100,
            increments="flat:100",
            clock={"duration_ms": duration_ms, "window_ms": 0, "extend_ms": 0, "hammer_ms": 300},
        )
        assert isinstance(lot, LotOpened), lot
        return show, lot.lot


@pytest.mark.parametrize("recorder", ["process", "inside"])
async def test_every_acknowledged_bid_survives_kill_9(
    new_data_dir: Callable[[], Path], recorder: str
) -> None:
    server = Server(new_data_dir(), {**LOUD, "LIVESERVER_RECORDER": recorder})
    host = person("Hana", "host")
    bidders = [Bidder(person(f"Bidder{i}")) for i in range(BIDDERS)]
    stop = asyncio.Event()
    rng = random.Random(9)
    async with server:
        show, lot = await opened(server, host, DURATION_MS)
        async with asyncio.TaskGroup() as tasks:
            for bidder in bidders:
                tasks.create_task(bid_until_stopped(server, show, lot, bidder, stop, rng))
            await until(lambda: sum(len(b.acknowledged) for b in bidders) > PROMISES)
            await server.kill()
            stop.set()
        promised = sorted(bid for bidder in bidders for bid in bidder.acknowledged)
        assert len(promised) > PROMISES

        await server.start()
        async with LiveClient(server.socket_url, person("Late").token) as client:
            room = await client.join(show)
            assert await room.until(lambda: room.view["auction"]["lots"][lot]["status"] == "sold", 30_000)
            result = room.view["auction"]["lots"][lot]
    recorded = await recorded_bids(server.data_dir, show)
    lost = [
        seq
        for bidder in bidders
        for seq, amount in bidder.acknowledged
        if recorded.get(seq) != (bidder.who.id, amount)
    ]
    # Figures for who runs it with -s.
    print({"acknowledged": len(promised), "recorded": len(recorded), "lost": len(lost)})
    assert lost == [], "a bid that was acknowledged is not in the record"
    top = max(amount for _, amount in recorded.values())
    winner = next(who for _, (who, amount) in sorted(recorded.items()) if amount == top)
    assert result["bids"] == len(recorded)
    assert result["leader"] == next(bidder.who.name for bidder in bidders if bidder.who.id == winner)
    assert "Traceback" not in server.said


async def bid_until_stopped(
    server: Server, show: str, lot: str, bidder: Bidder, stop: asyncio.Event, rng: random.Random
) -> None:
    """Until `stop`, however often the connection is lost meanwhile."""
    async with LiveClient(server.socket_url, bidder.who.token) as client:
        room = await client.join(show)
        bidding = [asyncio.create_task(bidder.bids(room, lot, stop, rng)) for _ in range(HANDS)]
        await stop.wait()
        # What the client could not get an answer for is not promised.
        for task in bidding:
            task.cancel()
        await asyncio.wait(bidding)
        for task in bidding:
            if not task.cancelled():
                task.result()


async def recorded_bids(data_dir: Path, show: str) -> dict[int, tuple[str, int]]:
    """Sequence number -> (bidder, maximum), from the facts in PostgreSQL, once the server has stopped; all must follow from
    the log again."""
    async with embedded(data_dir) as engines:
        pool = await open_pool(engines.database_url)
        rows = await pool.fetch(
            "SELECT seq, payload->>'bidder', (payload->>'amount')::bigint FROM facts "
            "WHERE show = $1 AND kind = 'bid_accepted'",
            show,
        )
        report = await verify(pool, show, FEATURES)
        await pool.close()
    assert report.difference is None, report
    return {seq: (bidder, amount) for seq, bidder, amount in rows}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what other tasks count, in real time
            await asyncio.sleep(0.01)
