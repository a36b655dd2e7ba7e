"""Payments that came too late, in the nightly comparison: what was given back is no difference, what returned is said once."""

import msgspec

from liveserver.checkout import back
from liveserver.infra.database import transaction
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders.model import Order
from liveserver.payments.port import Payment, RefundState
from tests.payouts.stage import FEE_BP, Stage

DAY_MS = 86_400_000
CHARGE, FEE = "ch_late", 157


async def gives_back(stage: Stage, order: Order) -> RefundState:
    """The order was paid a second time, and that payment has gone back: at the provider and in our books."""
    stage.bank.charged(CHARGE, order.total, order.currency, FEE)
    late = Payment(
        id="pi_late",
        status="succeeded",
        amount=order.total,
        currency=order.currency,
        charge=CHARGE,
        received=order.total,
    )
    async with transaction(stage.pool) as on:
        await back.come_too_late(on, order.id, None, late, "late_payment", stage.clock.now_ms())
    stray = await stage.pool.fetchval("SELECT id FROM stray_payments")
    sent = await stage.bank.refund(CHARGE, order.total, order.currency, stray, f"ref:{stray}")
    async with transaction(stage.pool) as on:
        await back.settle_stray(on, stray, sent, stage.clock.now_ms())
    return sent


async def night(stage: Stage) -> list[tuple[str, str]]:
    stage.clock.advance(DAY_MS)
    report = await stage.out.books.reconcile()
    return [(one.kind, one.type) for one in report.differences]


async def test_a_late_payment_that_went_back_is_no_difference_on_either_side(stage: Stage):
    order = await stage.paid()
    await gives_back(stage, order)
    assert await night(stage) == []
    stage.clock.advance(8 * DAY_MS)
    await night(stage)
    books = (await ledger.trial_balance(stage.pool))["USD"]
    assert Account.PSP_PENDING not in books or books[Account.PSP_PENDING] == 0
    assert books[Account.PSP_EXPENSE] == FEE + order.total * FEE_BP // 10_000


async def test_one_that_its_bank_sent_back_to_us_is_none_either(stage: Stage):
    sent = await gives_back(stage, await stage.paid())
    assert await night(stage) == []
    stage.bank.line("refund", sent.id, sent.amount, sent.currency)
    failed = msgspec.structs.replace(sent, status="failed", error="account_closed")
    async with transaction(stage.pool) as on:
        await back.settle_stray(on, sent.metadata["refund"], failed, stage.clock.now_ms())
    assert await night(stage) == []


async def test_one_of_which_the_provider_knows_no_way_back_differs(stage: Stage):
    sent = await gives_back(stage, await stage.paid())
    stage.bank.books = [line for line in stage.bank.books if line.source != sent.id]
    assert await night(stage) == [("missing_there", "refund_paid")]
