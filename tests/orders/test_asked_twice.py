"""A refund that is asked for again because its answer was lost is the same refund."""

import asyncio

from liveserver.infra.database import Pool
from liveserver.kernel.errors import Rejected
from liveserver.orders import refunds, store
from liveserver.orders.model import Refund
from tests.orders.shop import SELLER, TS, does, order_that_is


async def asks(shop: Pool, order: str, amount: int = 2_000, once: str = "", ts: int = TS) -> Refund:
    done = await does(shop, refunds.request, order, SELLER, amount, "scratch", ts, once)
    assert not isinstance(done, Rejected), done
    return done


async def test_under_one_key_it_is_made_once_by_however_many_at_once(shop: Pool):
    order = await order_that_is(shop, "paid")
    made = await asyncio.gather(*(asks(shop, order.id, once="key_1") for _ in range(8)))
    assert len({refund.id for refund in made}) == 1
    assert len(await store.refunds_of(shop, order.id)) == 1


async def test_another_key_another_amount_or_another_day_is_another_refund(shop: Pool):
    order = await order_that_is(shop, "paid")
    made = [
        await asks(shop, order.id, 1_000, "key_1"),
        await asks(shop, order.id, 1_000, "key_2"),
        await asks(shop, order.id, 900, "key_1"),
        await asks(shop, order.id, 1_000, "key_1", TS + refunds.ONCE_MS),
        await asks(shop, order.id, 1_000),
        await asks(shop, order.id, 500),
    ]
    assert len({refund.id for refund in made}) == 6


async def test_the_answer_is_the_first_refund_though_nothing_more_could_be_given_back(shop: Pool):
    order = await order_that_is(shop, "delivered")
    first = await asks(shop, order.id, order.total, "key_1")
    assert (await asks(shop, order.id, order.total, "key_1")).id == first.id
    refused = await does(shop, refunds.request, order.id, "user_tia", order.total, "", TS, "key_1")
    assert isinstance(refused, Rejected), "the key is whose it is"
