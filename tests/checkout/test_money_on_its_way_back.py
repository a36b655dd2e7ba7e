"""What may still happen to money after it was sent back: it returns, and nobody is to believe that its buyer has it."""

from typing import NoReturn

import msgspec
import pytest

from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import moves, refunds
from liveserver.payments.port import Event, EventId, KeyRefused, OutcomeUnknown
from tests.checkout.stage import BEA, Stage
from tests.orders.shop import TS


async def came_too_late(stage: Stage) -> str:
    """An order that was paid after it had been cancelled; the payment has gone back."""
    session = await stage.starts()
    async with transaction(stage.pool) as on:
        await moves.cancel(on, session.order.id, BEA.id, "changed my mind", stage.clock.now_ms())
    stage.provider.succeed(session.intent)
    await stage.told_all()
    return session.order.id


async def bank_returns(stage: Stage) -> None:
    """The buyer's bank does not take the refund; told twice."""
    for id, refund in stage.provider.refunds.items():
        stage.provider.refunds[id] = msgspec.structs.replace(refund, status="failed", error="account_closed")
        event = Event(id=EventId(f"evt_failed_{id}"), type="refund.failed", object=id)
        await stage.tell([event, event])


async def test_a_late_payment_that_its_bank_sent_back_to_us_is_ours_to_send_again(stage: Stage) -> None:
    order = await came_too_late(stage)
    await bank_returns(stage)
    stray = await stage.pool.fetchrow("SELECT state, error FROM stray_payments")
    assert stray is not None
    assert tuple(stray) == ("failed", "account_closed")
    assert (await stage.history(order))[-1] == "late_payment_kept"
    assert await stage.journals(order) == ["refund_paid", "refund_returned", "stray_captured"]
    books = (await ledger.trial_balance(stage.pool))["USD"]
    assert (books[Account.PSP_PENDING], books[Account.REFUND_TRANSIT]) == (5_413, -5_413)


async def test_word_that_it_went_which_comes_after_word_that_it_failed_changes_nothing(stage: Stage) -> None:
    order = await came_too_late(stage)
    await bank_returns(stage)
    before = await stage.history(order)
    for id, refund in stage.provider.refunds.items():
        stage.provider.refunds[id] = msgspec.structs.replace(refund, status="succeeded", error="")
        await stage.tell([Event(id=EventId(f"evt_old_{id}"), type="refund.updated", object=id)])
    assert await stage.history(order) == before


async def test_a_key_that_was_exchanged_meanwhile_does_not_make_a_sent_refund_a_failed_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await stage.starts()
    stage.provider.succeed(session.intent)
    await stage.told_all()
    async with transaction(stage.pool) as on:
        refund = await refunds.request(on, session.order.id, "user_sam", 2_000, "scratch", TS)
    assert not isinstance(refund, Rejected)
    stage.provider.faults = ["after"]
    with pytest.raises(OutcomeUnknown):
        await stage.checkout.refund(refund.id)

    async def knows_us_not(*_: object) -> NoReturn:
        raise KeyRefused("invalid_key", "Expired API Key provided")

    with monkeypatch.context() as night:
        night.setattr(stage.provider, "refund", knows_us_not)
        with pytest.raises(KeyRefused):
            await stage.checkout.refund(refund.id)
    assert (await stage.order(session.order.id)).refunded.total == 2_000
    await stage.checkout.refund(refund.id)
    assert (await stage.history(session.order.id))[-1] == "refunded"
    assert stage.provider.given_back == 2_000
    await stage.money_is_right(session.order.id)
