"""Every move against every state; what belongs to a move happens with it, and once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import disputes, moves, refunds, store
from liveserver.orders.model import Address, Captured, Order, Refund
from tests.orders.shop import (
    BUYER,
    DUE_TS,
    PATHS,
    SELLER,
    TS,
    captured,
    does,
    draft,
    escrow,
    order_that_is,
    places,
    seller_has,
    stock,
)

HOME = Address(name="Bea", line1="1 High St", city="Town", country="GB")
Move = Callable[[Connection, Order], Awaitable[object]]
MOVES: dict[str, Move] = {
    "reprice": lambda on, o: moves.reprice(on, o.id, HOME, 100, "Letter", (), TS),
    "paid": lambda on, o: moves.paid(on, o.id, captured(o, "ch_other"), TS),
    "failed": lambda on, o: moves.payment_failed(on, o.id, "card_declined", "No.", TS),
    "action": lambda on, o: moves.action_required(on, o.id, TS),
    "again": lambda on, o: moves.awaiting(on, o.id, TS),
    "cancel": lambda on, o: moves.cancel(on, o.id, BUYER, "no", TS),
    "expire": lambda on, o: moves.expire(on, o.id, DUE_TS),
    "ship": lambda on, o: moves.ship(on, o.id, SELLER, "Post", "RR1", TS),
    "deliver": lambda on, o: moves.deliver(on, o.id, SELLER, TS),
    "complete": lambda on, o: moves.complete(on, o.id, TS),
    "refund": lambda on, o: refunds.request(on, o.id, SELLER, 100, "scratch", TS),
}
UNPAID = {"reprice", "paid", "failed", "action", "again", "cancel", "expire"}
ALLOWED = {
    "awaiting_payment": UNPAID,
    "payment_failed": UNPAID,
    "action_required": UNPAID,
    "paid": {"cancel", "ship", "refund"},
    "shipped": {"deliver", "refund"},
    "delivered": {"complete", "refund"},
    "completed": {"complete", "refund"},  # completing again changes nothing
    "cancelled": {"cancel", "expire"},  # nor does cancelling
    "paid, then cancelled": {"cancel", "expire"},
    "disputed": {"ship"},
}


@pytest.mark.parametrize("state", PATHS)
async def test_each_state_allows_its_moves_and_no_other(shop: Pool, state: str):
    for name, move in MOVES.items():
        order = await order_that_is(shop, state)
        done = await does(shop, move, order)
        assert isinstance(done, Rejected) == (name not in ALLOWED[state]), f"{name}: {done}"
        if isinstance(done, Rejected):
            assert await store.find(shop, order.id) == order, f"{name} was refused and changed something"


async def test_the_life_of_an_order_moves_its_money_and_goods(shop: Pool):
    order = await places(shop)
    assert (order.total, order.commission, order.processing) == (5_413, 400, 187)
    assert await stock(shop) == 49
    await does(shop, moves.paid, order.id, captured(order), TS)
    assert await escrow(shop, order) == 5_413
    await does(shop, moves.ship, order.id, SELLER, "Post", "RR1", TS)
    done = await does(shop, moves.deliver, order.id, SELLER, TS)
    assert isinstance(done, Order)
    assert (done.state, done.funds) == ("delivered", "released")
    assert (await escrow(shop, order), await seller_has(shop)) == (0, 4_413)
    assert await stock(shop) == 49
    told = [line.kind for line in await store.history(shop, order.id)]
    assert told == ["placed", "paid", "shipped", "delivered"]


async def test_one_origin_is_one_order_however_often_and_at_once(shop: Pool):
    same = draft(quantity=2)
    placed = await asyncio.gather(*(does(shop, moves.place, same, TS) for _ in range(8)))
    assert len({order.id for order in placed if isinstance(order, Order)}) == 1
    assert await stock(shop) == 48, "its goods are held once"


async def test_two_hundred_buyers_of_fifty(shop: Pool):
    placed = await asyncio.gather(*(does(shop, moves.place, draft(), TS) for _ in range(200)))
    assert sum(isinstance(order, Order) for order in placed) == 50
    assert {order.code for order in placed if isinstance(order, Rejected)} == {"out_of_stock"}
    assert await stock(shop) == 0
    assert await shop.fetchval("SELECT count(*) FROM orders") == 50, "the refused left nothing behind"


async def test_a_payment_told_often_is_posted_once(shop: Pool):
    order = await places(shop)
    told = await asyncio.gather(*(does(shop, moves.paid, order.id, captured(order), TS) for _ in range(20)))
    assert all(isinstance(one, Order) and one.state == "paid" for one in told)
    assert await escrow(shop, order) == 5_413
    assert [line.kind for line in await store.history(shop, order.id)] == ["placed", "paid"]


async def test_a_second_payment_is_not_taken_for_the_first(shop: Pool):
    order = await order_that_is(shop, "paid")
    refused = await does(shop, moves.paid, order.id, captured(order, "ch_second"), TS)
    assert isinstance(refused, Rejected)
    assert refused.code == "late_payment"
    assert await escrow(shop, order) == 5_413


async def test_a_payment_of_another_amount_is_refused(shop: Pool):
    order = await places(shop)
    for wrong in (Captured("pi", "ch", order.total - 1, "USD"), Captured("pi", "ch", order.total, "EUR")):
        refused = await does(shop, moves.paid, order.id, wrong, TS)
        assert isinstance(refused, Rejected)
        assert refused.code == "amount_differs"


async def test_not_paid_in_time_is_over_and_the_goods_are_back(shop: Pool):
    cart, won = await places(shop), await places(shop, draft("auction"))
    early = await does(shop, moves.expire, cart.id, DUE_TS - 1)
    assert isinstance(early, Rejected)
    for order, defaulted in ((cart, False), (won, True)):
        done = await does(shop, moves.expire, order.id, DUE_TS)
        assert isinstance(done, Order)
        assert (done.state, done.defaulted) == ("cancelled", defaulted)
    assert await stock(shop) == 51, "the lot's lamp came out of the show, and is on hand now"
    assert await store.defaults_of(shop, BUYER, TS) == 1


async def test_cancelling_a_paid_order_gives_everything_back(shop: Pool):
    order = await order_that_is(shop, "paid")
    done = await does(shop, moves.cancel, order.id, SELLER, "broken", TS)
    assert isinstance(done, Order)
    assert (done.state, done.refund, done.funds) == ("cancelled", "full", "reversed")
    assert (await stock(shop), await escrow(shop, order)) == (50, 0)
    (refund,) = await store.refunds_of(shop, order.id)
    assert (refund.amount, refund.status) == (5_413, "requested")


async def test_fifty_parallel_refunds_never_give_back_more_than_was_paid(shop: Pool):
    order = await order_that_is(shop, "delivered")
    asked = await asyncio.gather(
        *(does(shop, refunds.request, order.id, SELLER, 1_000, "", TS) for _ in range(50))
    )
    assert sum(isinstance(one, Refund) for one in asked) == 5
    now = await store.find(shop, order.id)
    assert now is not None
    assert (now.refunded.total, now.refundable) == (5_000, 413)


async def test_the_worked_example_of_a_partial_refund_after_release(shop: Pool):
    order = await order_that_is(shop, "delivered")
    refund = await does(shop, refunds.request, order.id, SELLER, 2_000, "scratch", TS)
    assert isinstance(refund, Refund)
    assert await seller_has(shop) == 4_413 - 1_840
    await does(shop, refunds.settled, refund.id, "re_1", TS)
    again = await does(shop, refunds.settled, refund.id, "re_1", TS)
    assert isinstance(again, Refund)
    transit = await shop.fetchval("SELECT sum(amount) FROM ledger_postings WHERE account = 'refund_transit'")
    assert transit == 0


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("returned", [False, True])
async def test_a_refund_that_fails_leaves_all_as_it_was(shop: Pool, released: bool, returned: bool):
    order = await order_that_is(shop, "delivered" if released else "paid")
    before = (await escrow(shop, order), await seller_has(shop))
    refund = await does(shop, refunds.request, order.id, SELLER, order.total, "", TS)
    assert isinstance(refund, Refund)
    if returned:
        await does(shop, refunds.settled, refund.id, "re_1", TS)
    for _ in range(2):
        failed = await does(shop, refunds.failed, refund.id, "re_1", "account closed", TS)
        assert isinstance(failed, Refund)
    assert (await escrow(shop, order), await seller_has(shop)) == before
    transit = await shop.fetchval("SELECT sum(amount) FROM ledger_postings WHERE account = 'refund_transit'")
    assert transit == 0
    now = await store.find(shop, order.id)
    assert now is not None
    assert (now.refund, now.funds, now.refundable) == ("none", order.funds, order.total)


async def test_a_refund_under_way_at_the_delivery_that_fails_is_released_late(shop: Pool):
    order = await order_that_is(shop, "shipped")
    refund = await does(shop, refunds.request, order.id, SELLER, 2_000, "", TS)
    assert isinstance(refund, Refund)
    await does(shop, moves.deliver, order.id, SELLER, TS)
    await does(shop, refunds.failed, refund.id, "", "no", TS)
    assert (await escrow(shop, order), await seller_has(shop)) == (0, 4_413)


@pytest.mark.parametrize(("won", "seller"), [(True, 4_413), (False, 0)])
async def test_while_the_bank_decides_nothing_is_released(shop: Pool, won: bool, seller: int):
    order = await order_that_is(shop, "disputed")
    await does(shop, moves.ship, order.id, SELLER, "", "", TS)
    await does(shop, moves.deliver, order.id, SELLER, TS)
    assert (await escrow(shop, order), await seller_has(shop)) == (5_413, 0)
    for _ in range(2):
        await does(shop, disputes.closed, f"dp_{order.number}", won, TS)
    assert (await escrow(shop, order), await seller_has(shop)) == (0, seller)
    now = await store.find(shop, order.id)
    assert now is not None
    assert (now.dispute, now.funds) == (("won", "released") if won else ("lost", "reversed"))


async def test_an_order_of_nothing_is_paid_without_money(shop: Pool):
    gift = draft(price=0, shipping=0)
    order = await places(shop, gift)
    done = await does(shop, moves.paid, order.id, Captured("", "", 0, "USD"), TS)
    assert isinstance(done, Order)
    assert (done.state, done.funds) == ("paid", "none")
    await does(shop, moves.ship, order.id, SELLER, "", "", TS)
    assert isinstance(await does(shop, moves.deliver, order.id, SELLER, TS), Order)


async def test_changes_are_told_when_they_are_committed(shop: Pool):
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(_connection: object, _process: int, _channel: str, told: object) -> None:
        heard.put_nowait(str(told))

    listening = await shop.acquire()
    await listening.add_listener("orders", hear)
    order = await places(shop)
    async with asyncio.timeout(10):
        assert order.id in await heard.get()

    async def undone() -> None:
        async with transaction(shop) as on:
            await moves.paid(on, order.id, captured(order), TS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    await does(shop, moves.payment_failed, order.id, "card_declined", "No.", TS)
    async with asyncio.timeout(10):
        assert "payment_failed" in await heard.get(), "what was undone was told to nobody"
    await listening.remove_listener("orders", hear)
    await shop.release(listening)
