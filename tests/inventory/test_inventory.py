"""Stock on the real PostgreSQL: never oversold, whoever buys where at once; what is not paid or not sold comes back."""

import asyncio
import random

import asyncpg
import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.inventory import store
from liveserver.inventory.errors import NOT_HELD, STILL_ON_SHOW
from liveserver.kernel.errors import Rejected

TS = 1_700_000_000_000
LAMP, VASE = "var_lamp", "var_vase"


@pytest.fixture
async def shelf(pool: Pool) -> Pool:
    """Fifty lamps and five vases."""
    await pool.execute(
        "INSERT INTO products (id, seller, title, description, price, currency, images, created_ts, search_title, search_rest) "
        "VALUES ('product_1', 'user_1', 'Lamp', '', 100, 'USD', '{}', 1, '', '')"
    )
    for position, (variant, stock) in enumerate([(LAMP, 50), (VASE, 5)], 1):
        await pool.execute(
            "INSERT INTO variants (id, product, position, sku, color, size, stock, price) "
            "VALUES ($1, 'product_1', $2, $1, '', '', 0, 100)",
            variant,
            position,
        )
        async with transaction(pool) as connection:
            await store.count(connection, variant, stock, TS)
    return pool


async def on_hand(pool: Pool, variant: str = LAMP) -> int:
    return await pool.fetchval("SELECT stock FROM variants WHERE id = $1", variant)


async def reserves(
    pool: Pool, order: str, until_ts: int = TS + store.HELD_MS, **wanted: int
) -> Rejected | None:
    async with transaction(pool) as connection:
        named = {f"var_{name}": quantity for name, quantity in wanted.items()}
        return await store.reserve(connection, order, named, until_ts, TS)


async def test_two_hundred_buyers_of_fifty_over_carts_and_a_show(shelf: Pool):
    async with transaction(shelf) as connection:
        assert await store.allot(connection, "show_1", LAMP, 20, TS) is None
    sold = {"cart": 0, "show": 0}

    async def in_cart(number: int) -> None:
        if await reserves(shelf, f"order_{number}", lamp=1) is None:
            async with transaction(shelf) as connection:
                assert await store.sell(connection, f"order_{number}") is None
            sold["cart"] += 1

    async def in_show(number: int) -> None:
        # The room sells no more than it was given; here it tries to, and the database says no.
        try:
            async with transaction(shelf) as connection:
                took = await store.sold_in_show(connection, "show_1", f"claim_{number}", LAMP, 1)
        except asyncpg.CheckViolationError:
            return
        sold["show"] += took

    buyers = [in_cart(number) if number % 2 else in_show(number) for number in range(200)]
    random.Random(5).shuffle(buyers)
    await asyncio.gather(*buyers)
    assert sold == {"cart": 30, "show": 20}
    assert await on_hand(shelf) == 0
    assert await store.stock_apart(shelf) == []


async def test_an_order_is_held_as_a_whole_or_not_at_all(shelf: Pool):
    refused = await reserves(shelf, "order_1", lamp=2, vase=6)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail) == ("out_of_stock", {"variant": VASE, "left": 5})
    assert (await on_hand(shelf), await on_hand(shelf, VASE)) == (50, 5)
    assert await reserves(shelf, "order_1", lamp=2, vase=5) is None
    assert (await on_hand(shelf), await on_hand(shelf, VASE)) == (48, 0)


async def test_orders_that_want_the_same_things_in_another_order_do_not_block_each_other(shelf: Pool):
    async def buys(number: int) -> Rejected | None:
        wanted = {"lamp": 1, "vase": 1} if number % 2 else {"vase": 1, "lamp": 1}
        return await reserves(shelf, f"order_{number}", **wanted)

    taken = await asyncio.gather(*(buys(number) for number in range(40)))
    assert sum(refused is None for refused in taken) == 5


async def test_what_is_not_paid_in_time_is_on_hand_again_once(shelf: Pool):
    await reserves(shelf, "order_1", until_ts=TS + 10, lamp=3)
    await reserves(shelf, "order_2", until_ts=TS + 99, lamp=1)
    async with transaction(shelf) as connection:
        assert await store.overdue(connection, TS + 10) == ["order_1"]
        assert await store.give_back(connection, "order_1", "expired", TS + 10) == {LAMP: 3}
        assert await store.give_back(connection, "order_1", "expired", TS + 10) == {}
    assert await on_hand(shelf) == 49
    async with transaction(shelf) as connection:
        assert await store.sell(connection, "order_1") == NOT_HELD
        assert await store.extend(connection, "order_1", TS + 99) == NOT_HELD
        assert await store.sell(connection, "order_2") is None


async def test_an_order_being_paid_is_held_longer(shelf: Pool):
    await reserves(shelf, "order_1", until_ts=TS + 10, lamp=3)
    async with transaction(shelf) as connection:
        assert await store.extend(connection, "order_1", TS + 500) is None
        assert await store.overdue(connection, TS + 499) == []


async def test_paying_and_expiring_at_once_has_one_outcome(shelf: Pool):
    for number in range(20):
        order = f"order_{number}"
        await reserves(shelf, order, until_ts=TS, lamp=1)

        async def pays(order: str = order) -> Rejected | None:
            async with transaction(shelf) as connection:
                return await store.sell(connection, order)

        async def expires(order: str = order) -> dict[str, int]:
            async with transaction(shelf) as connection:
                return await store.give_back(connection, order, "expired", TS)

        paid, back = await asyncio.gather(pays(), expires())
        assert (paid is None) != (back == {LAMP: 1})
    assert await store.stock_apart(shelf) == []


async def test_what_a_show_does_not_sell_comes_back_at_its_end_once(shelf: Pool):
    async with transaction(shelf) as connection:
        await store.allot(connection, "show_1", LAMP, 8, TS)
        await store.allot(connection, "show_1", VASE, 2, TS)
        assert await store.sold_in_show(connection, "show_1", "lot_1", LAMP, 3)
        assert not await store.sold_in_show(connection, "show_1", "lot_1", LAMP, 3), "its fact came twice"
    async with transaction(shelf) as connection:
        assert await store.end_show(connection, "show_1", TS) == {LAMP: 5, VASE: 2}
        assert await store.end_show(connection, "show_1", TS) == {}
    assert (await on_hand(shelf), await on_hand(shelf, VASE)) == (47, 5)


async def test_a_show_takes_no_more_than_there_is_and_gives_back_no_more_than_is_left(shelf: Pool):
    async with transaction(shelf) as connection:
        refused = await store.allot(connection, "show_1", LAMP, 51, TS)
        assert isinstance(refused, Rejected)
        assert refused.detail == {"variant": LAMP, "left": 50}
        await store.allot(connection, "show_1", LAMP, 10, TS)
        await store.sold_in_show(connection, "show_1", "lot_1", LAMP, 4)
        assert await store.allot(connection, "show_1", LAMP, -7, TS) == STILL_ON_SHOW
        assert await store.allot(connection, "show_1", LAMP, -6, TS) is None
    assert await on_hand(shelf) == 46


async def test_a_variant_that_is_gone_can_take_back_but_not_be_taken(shelf: Pool):
    await reserves(shelf, "order_1", lamp=1)
    await shelf.execute("DELETE FROM variants WHERE id = $1", LAMP)
    async with transaction(shelf) as connection:
        assert await store.give_back(connection, "order_1", "cancelled", TS) == {LAMP: 1}
    refused = await reserves(shelf, "order_2", lamp=1)
    assert isinstance(refused, Rejected)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE inventory_events SET delta = 1",
        "DELETE FROM inventory_events",
        "TRUNCATE inventory_events",
    ],
)
async def test_events_stay(shelf: Pool, change: str):
    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added to"):
        await shelf.execute(change)
