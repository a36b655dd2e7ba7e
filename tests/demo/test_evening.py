"""The demo for real: server, sockets and engines in this process; what a visitor would see within the first seconds."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from liveserver.cli.compose import Node
from liveserver.client import BidPlaced, LiveClient, Room
from liveserver.demo import Seeded, run_demo, seed
from liveserver.demo.door import Door, socket_url
from liveserver.demo.goods import CERAMICS, LIVE
from liveserver.demo.people import MARA, VISITOR

PATIENCE_MS = 25_000


@pytest.fixture
async def evening(node: Node) -> AsyncIterator[Seeded]:
    seeded = await seed(node.services, loopback=True)
    running = asyncio.create_task(run_demo(node.origin, node.services, seeded, seed=1, bots=9))
    yield seeded
    running.cancel()
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()


def bidding(room: Room) -> bool:
    return room.lot is not None and room.lot["status"] == "open" and room.lot["bids"] >= 2


async def test_bots_make_an_evening_that_people_can_join_and_take_over(node: Node, evening: Seeded) -> None:
    show, door = evening.live.show.id, Door(node.origin, node.services)
    async with LiveClient(socket_url(node.origin)) as guest:
        watched = await guest.join(show)
        assert await watched.until(lambda: bidding(watched), PATIENCE_MS), "bids within seconds"
        first = watched.lot
        assert first is not None
        assert first["title"] == LIVE[0].title
        talking = {message["user"]["name"] for message in watched.view["chat"]["messages"]}
        assert "Mara Lindqvist" in talking
        assert watched.view["spotlight"]["product"]["title"] == LIVE[0].title

        # The show of the past is sold out, and what was sold is on record.
        past = await guest.join(evening.past.show.id)
        assert await past.until(lambda: past.view["show"]["status"] == "ended", PATIENCE_MS)
        lots = list(past.view["auction"]["lots"].values())
        assert [lot["title"] for lot in lots] == [good.title for good in CERAMICS]
        assert all(lot["status"] == "sold" and lot["bids"] >= 2 for lot in lots)
        recorded = await node.services.pool.fetchval(
            "SELECT count(*) FROM facts WHERE show = $1 AND kind = 'lot_sold'", evening.past.show.id
        )
        assert recorded == len(CERAMICS)

        # A visitor who wants it more gets the lead, for no bot goes beyond what a thing is worth to it.
        async with door.enter(VISITOR, show) as robin:
            lot = robin.lot
            assert lot is not None
            bid = await robin.bid(lot["lot"], 10 * LIVE[0].worth, confirm=True)
            assert isinstance(bid, BidPlaced)
            assert bid.leading
            assert bid.price < 2 * LIVE[0].worth

        # A human hosts: the bot says so and lets go.
        async with door.enter(MARA, show) as mara:
            lot = mara.lot
            assert lot is not None
            await mara.chat("hello, it's really me")
            assert await watched.until(
                lambda: any("autopilot" in m["message"] for m in watched.view["chat"]["messages"]),
                PATIENCE_MS,
            )
            await mara.close_lot(lot["lot"])
            assert await watched.until(
                lambda: watched.view["auction"]["lots"][lot["lot"]]["status"] == "sold", PATIENCE_MS
            )
            sold = watched.view["auction"]["lots"][lot["lot"]]
            assert sold["leader"] == VISITOR.name
            assert watched.lot is None
