"""Two server processes on one Redis and one PostgreSQL show the same show: one order, one result, whoever is connected where."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liveserver.client import BidPlaced, LiveClient, LotOpened
from liveserver.infra.engines import Engines
from liveserver.kernel.errors import Rejected
from tests.support.server import JWT, Server, person

WAIT_MS = 20_000


async def test_two_processes_show_the_same_show(
    own_engines: Engines, new_data_dir: Callable[[], Path]
) -> None:
    shared = {
        "LIVESERVER_DATABASE_URL": own_engines.database_url,
        "LIVESERVER_REDIS_URL": own_engines.redis_url,
        "LIVESERVER_BIDS_PER_S": "0",
        **JWT,
    }
    ana, bo, hana = person("Ana"), person("Bo"), person("Hana", "host")
    async with Server(new_data_dir(), shared) as east, Server(new_data_dir(), shared) as west:
        show = await east.new_show(hana)
        async with (
            LiveClient(east.socket_url, hana.token) as host,
            LiveClient(east.socket_url, ana.token) as in_the_east,
            LiveClient(west.socket_url, bo.token, codec="msgpack") as in_the_west,
        ):
            stage, here, there = [await c.join(show) for c in (host, in_the_east, in_the_west)]
            assert not isinstance(await stage.start_show(), Rejected)
            opened = await stage.open_lot(
                title="Rolleiflex",
                start=1_000,
                increments="flat:100",
                clock={"duration_ms": 2_500, "window_ms": 800, "extend_ms": 800, "hammer_ms": 200},
            )
            assert isinstance(opened, LotOpened)
            lot = opened.lot

            def seen(room: Any) -> Any:
                return room.view["auction"]["lots"].get(lot)

            assert await there.until(lambda: seen(there) is not None, WAIT_MS)
            placed: list[int] = []
            for amount in range(1_000, 5_000, 200):
                for room, raise_by in ((here, 0), (there, 100)):
                    answer = await room.bid(lot, amount + raise_by)
                    assert isinstance(answer, BidPlaced), answer
                    placed.append(answer.seq)
            assert placed == sorted(placed), "one order over both servers"
            rooms = (stage, here, there)
            for room in rooms:
                assert await room.until(lambda room=room: seen(room)["status"] == "sold", WAIT_MS)
            await asyncio.gather(
                *(room.until(lambda room=room: room.seq == there.seq, WAIT_MS) for room in rooms)
            )
            assert here.view == there.view == stage.view
            assert (seen(here)["leader"], seen(here)["bids"]) == ("Bo", 40)
    for server in (east, west):
        assert "Traceback" not in server.said
