"""Whoever moves several variants takes them in one order, so that nobody waits in a circle."""

import asyncio

from liveserver.infra.database import Pool, transaction
from liveserver.inventory import store
from tests.inventory.test_inventory import LAMP, TS, VASE, on_hand, shelf

__all__ = ["shelf"]

WAITING = "SELECT count(*), pg_sleep(0.02) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_goods_that_come_back_wait_for_whoever_orders_and_not_the_other_way_round(shelf: Pool):
    async def comes_back() -> None:
        async with transaction(shelf) as on:
            await store.put_back(on, "order_1", {VASE: 1, LAMP: 1}, TS)

    async with transaction(shelf) as on:
        await on.fetch(store.Q.lock_stock, [LAMP])
        back = asyncio.create_task(comes_back())
        async with asyncio.timeout(10):
            while not await shelf.fetchval(WAITING):
                pass
        assert await store.reserve(on, "order_2", {LAMP: 2, VASE: 2}, TS + 1, TS) is None
    await back
    assert (await on_hand(shelf), await on_hand(shelf, VASE)) == (49, 4)
