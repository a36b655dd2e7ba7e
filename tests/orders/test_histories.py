"""Random lives of orders on PostgreSQL, several at once: whatever comes in whatever order, money and goods are where the orders say."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import disputes, moves, refunds, store
from liveserver.orders.model import FULFILLED, UNPAID, Order
from tests.orders.shop import BUYER, DUE_TS, LAMP, SELLER, TS, captured, does, draft, places, stock

ORDERS = 6
STEPS = 120
AT_ONCE = 4

Step = Callable[[Connection, Order], Awaitable[object]]


class World:
    """People, a provider and a bank that do and tell whatever comes to their mind, some of it twice."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.refunds: list[str] = []
        self.disputes: list[str] = []

    def step(self) -> Step:
        rng = self.rng
        amount = rng.choice([1, 999, 2_000, 5_413, 10**6])
        charge = rng.choice(["", "", "", "ch_late_{}"])
        refund = rng.choice(self.refunds) if self.refunds else "re_none"
        dispute = rng.choice(self.disputes) if self.disputes else "dp_none"
        steps: list[Step] = [
            lambda on, o: moves.paid(on, o.id, captured(o, charge.format(o.number)), TS),
            lambda on, o: moves.payment_failed(on, o.id, "card_declined", "No.", TS),
            lambda on, o: moves.action_required(on, o.id, TS),
            lambda on, o: moves.expire(on, o.id, DUE_TS),
            lambda on, o: moves.ship(on, o.id, SELLER, "", "", TS),
            lambda on, o: moves.deliver(on, o.id, SELLER, TS),
            lambda on, o: moves.complete(on, o.id, TS),
            lambda on, o: self._refund(on, o, amount),
            lambda on, o: refunds.settled(on, refund, f"ref_{refund}", TS),
            lambda on, o: refunds.failed(on, refund, f"ref_{refund}", "no", TS),
            lambda on, o: self._dispute(on, o, amount),
            lambda on, o: disputes.closed(on, dispute, rng.random() < 0.5, TS),
        ]
        if rng.random() < 0.1:
            return lambda on, o: moves.cancel(on, o.id, BUYER, "", TS)
        return rng.choices(steps, [6, 1, 1, 1, 4, 4, 1, 3, 3, 2, 1, 2])[0]

    async def _refund(self, on: Connection, order: Order, amount: int) -> object:
        made = await refunds.request(on, order.id, SELLER, amount, "", TS)
        if isinstance(made, refunds.Refund):
            self.refunds.append(made.id)
        return made

    async def _dispute(self, on: Connection, order: Order, amount: int) -> object:
        name = f"dp_{order.number}_{self.rng.randrange(3)}"
        self.disputes.append(name)
        return await disputes.opened(on, order.id, name, min(amount, order.total), 1_500, "fraudulent", TS)


async def money_is_where_orders_say(pool: Pool, orders: list[str]) -> None:
    assert await ledger.balances_apart(pool) == []
    for currency, accounts in (await ledger.trial_balance(pool)).items():
        assert sum(accounts.values()) == 0, currency
    for name in orders:
        order = await store.find(pool, name)
        assert order is not None
        left = await ledger.balance(pool, Account.ESCROW, order.id, "USD")
        expected = order.total - order.gone.total if order.funds == "held" else 0
        assert left == expected, f"{order.state}, {order.funds}, {order.dispute}: {left} in escrow"
        if order.state in {"delivered", "completed"} and order.dispute != "open":
            assert left == 0, "nothing stays in escrow of a finished order"
        if order.state in UNPAID:
            assert order.funds == "none"
        given_back = [one for one in await store.refunds_of(pool, name) if one.status != "failed"]
        assert sum(one.amount for one in given_back) == order.refunded.total


async def goods_are_where_orders_say(pool: Pool, orders: list[str]) -> None:
    assert await inventory.stock_apart(pool) == []
    found = await store.several(pool, orders)
    out = sum(order.lines[0].quantity for order in found if order.state in FULFILLED | UNPAID)
    assert await stock(pool, LAMP) == 50 - out


@pytest.mark.parametrize("seed", range(6))
async def test_money_and_goods_are_where_the_orders_say(shop: Pool, seed: int):
    world = World(seed)
    orders = [(await places(shop, draft(quantity=1 + number % 3))).id for number in range(ORDERS)]

    async def somebody() -> None:
        for _ in range(STEPS // AT_ONCE):
            about = await store.find(shop, world.rng.choice(orders))
            assert about is not None
            step = world.step()
            async with transaction(shop) as on:
                await step(on, about)

    await asyncio.gather(*(somebody() for _ in range(AT_ONCE)))
    await money_is_where_orders_say(shop, orders)
    await goods_are_where_orders_say(shop, orders)


async def test_what_is_undone_with_its_transaction_left_nothing(shop: Pool):
    order = await places(shop)

    async def half_done() -> None:
        async with transaction(shop) as on:
            await moves.paid(on, order.id, captured(order), TS)
            await refunds.request(on, order.id, SELLER, 100, "", TS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half_done()
    assert await store.find(shop, order.id) == order
    assert await ledger.journals_of(shop, order.id) == []
    await does(shop, moves.cancel, order.id, BUYER, "", TS)
