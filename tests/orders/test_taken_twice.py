"""A refund that comes back after the bank has taken the whole payment: the buyer has it all, and nobody is given it again."""

import pytest

from liveserver.infra.database import Pool
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import disputes, refunds, store
from liveserver.orders.model import Order
from liveserver.payouts.sound import unsound_facts
from tests.orders.shop import SELLER, TS, does, order_that_is, seller_has


async def refunded_then_lost(shop: Pool, state: str, dispute: int) -> tuple[Order, str]:
    order = await order_that_is(shop, state)
    refund = await does(shop, refunds.request, order.id, SELLER, 2_000, "scratch", TS)
    assert not isinstance(refund, Rejected)
    await does(shop, refunds.settled, refund.id, "re_1", TS)
    await does(shop, disputes.opened, order.id, "dp_1", dispute, 0, "fraudulent", TS)
    await does(shop, disputes.closed, "dp_1", False, TS)
    return order, refund.id


async def books(shop: Pool) -> dict[Account, int]:
    found = (await ledger.trial_balance(shop))["USD"]
    return {account: amount for account, amount in found.items() if amount}


@pytest.mark.parametrize("state", ["paid", "delivered"])
async def test_what_returns_covers_what_was_taken_twice(shop: Pool, state: str):
    order, refund = await refunded_then_lost(shop, state, 5_413)
    before, seller = await books(shop), await seller_has(shop)
    assert before[Account.CHARGEBACK_EXPENSE] >= 2_000
    await does(shop, refunds.failed, refund, "re_1", "account_closed", TS)
    now = await does(shop, store.find, order.id)
    assert now is not None
    assert (now.funds, now.refundable, now.refunded.total, now.lost.total) == ("reversed", 0, 0, 5_413)
    after = await books(shop)
    assert after.get(Account.CHARGEBACK_EXPENSE, 0) == before[Account.CHARGEBACK_EXPENSE] - 2_000
    assert await seller_has(shop) == seller
    assert (after.get(Account.PSP_PENDING, 0), after.get(Account.ESCROW, 0)) == (0, 0)
    assert await unsound_facts(shop) == []


async def test_of_a_dispute_of_a_part_only_what_was_taken_twice_is_covered(shop: Pool):
    order, refund = await refunded_then_lost(shop, "paid", 4_000)
    await does(shop, refunds.failed, refund, "re_1", "account_closed", TS)
    now = await does(shop, store.find, order.id)
    assert now is not None
    assert (now.funds, now.refunded.total, now.lost.total, now.refundable) == ("held", 0, 4_000, 1_413)
    after = await books(shop)
    assert (after[Account.ESCROW], after[Account.PSP_PENDING]) == (-1_413, 1_413)
    assert Account.CHARGEBACK_EXPENSE not in after
    assert await unsound_facts(shop) == []
