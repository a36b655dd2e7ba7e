"""Winners: their saved card is charged, again when it was declined, and what was not paid in time is over."""

import msgspec
import pytest

from liveserver.checkout.model import Session
from liveserver.jobs.worker import Later
from liveserver.kernel.errors import Rejected
from liveserver.payments.port import DisputeState, Event, EventId, KeyRefused, PaymentStatus, ProviderRefuses
from tests.checkout.stage import BEA, HOUR_MS, ROME, Stage


async def test_without_a_saved_card_the_order_waits(stage: Stage) -> None:
    order = await stage.won()
    await stage.checkout.charge(order.id)
    assert stage.provider.calls == []


async def test_without_an_address_nothing_is_charged_until_it_is_known_what_it_costs(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won(address=None)
    await stage.checkout.charge(order.id)
    answer = await stage.checkout.pay(BEA, order.id, saved_card=True)
    assert isinstance(answer, Rejected)
    assert (answer.code, stage.provider.calls) == ("no_address", [])
    await stage.checkout.send_to(BEA, order.id, ROME)
    session = await stage.checkout.pay(BEA, order.id, saved_card=True)
    assert isinstance(session, Session)
    assert (stage.provider.charged, session.order.shipping) == (5_900, 900)


@pytest.mark.parametrize("status", ["needs_card", "failed"])
async def test_a_declined_card_is_told_and_tried_again_twice(stage: Stage, status: PaymentStatus) -> None:
    stage.provider.declined_status = status
    stage.cards.save(BEA.id, "pm_poor")
    stage.provider.cards["pm_poor"] = "insufficient_funds"
    order = await stage.won()
    for tried in (1, 2, 3):
        await stage.checkout.charge(order.id)
        await stage.checkout.charge(order.id)  # told twice: not before its time
        assert len(stage.provider.calls) == tried
        assert (await stage.order(order.id)).state == "payment_failed"
        assert await stage.jobs("checkout.charge") == min(tried, 2)
        stage.clock.advance(6 * HOUR_MS)
    await stage.told_all()
    assert stage.provider.charges == 0
    statuses = [payment.status for payment in stage.provider.payments.values()]
    assert statuses == ["canceled", "canceled", status]


@pytest.mark.parametrize("status", ["needs_card", "failed"])
async def test_a_declined_winner_pays_otherwise(stage: Stage, status: PaymentStatus) -> None:
    stage.provider.declined_status = status
    stage.cards.save(BEA.id, "pm_poor")
    stage.provider.cards["pm_poor"] = "card_declined"
    order = await stage.won()
    await stage.checkout.charge(order.id)
    session = await stage.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    stage.provider.succeed(session.intent)
    stage.clock.advance(6 * HOUR_MS)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_a_bank_that_wants_the_owner_is_answered_on_the_page(stage: Stage) -> None:
    stage.cards.save(BEA.id, "pm_3ds")
    stage.provider.cards["pm_3ds"] = "authentication_required"
    order = await stage.won()
    await stage.checkout.charge(order.id)
    assert (await stage.order(order.id)).state == "action_required"
    assert await stage.jobs("checkout.charge") == 0
    session = await stage.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    stage.provider.succeed(session.intent)
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_who_does_not_pay_in_time_has_defaulted_and_can_pay_no_more(stage: Stage) -> None:
    order = await stage.won()
    session = await stage.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    with pytest.raises(Later):
        await stage.checkout.expire(order.id)
    stage.clock.advance(48 * HOUR_MS)
    await stage.checkout.expire(order.id)
    now = await stage.order(order.id)
    assert (now.state, now.defaulted) == ("cancelled", True)
    assert stage.provider.succeed(session.intent).status == "canceled"


@pytest.mark.parametrize("code", ["amount_too_small", "amount_unfit"])
async def test_what_no_card_could_pay_is_nobody_s_default(stage: Stage, code: str) -> None:
    stage.provider.refuses = ProviderRefuses(code, "Amount must be at least $0.50 usd")
    stage.cards.save(BEA.id)
    order = await stage.won()
    await stage.checkout.charge(order.id)
    assert (await stage.order(order.id)).state == "payment_failed"
    assert await stage.jobs("checkout.charge") == 0, "the amount stays what it is"
    answer = await stage.checkout.pay(BEA, order.id)
    assert isinstance(answer, Rejected)
    assert answer.code == "amount_unchargeable"
    stage.clock.advance(48 * HOUR_MS)
    await stage.checkout.expire(order.id)
    now = await stage.order(order.id)
    assert (now.state, now.defaulted) == ("cancelled", False)


async def test_a_charge_that_met_a_wrong_key_is_made_again(stage: Stage) -> None:
    stage.provider.refuses = KeyRefused("invalid_key", "Invalid API Key provided: sk_test_***")
    stage.cards.save(BEA.id)
    order = await stage.won()
    await stage.checkout.charge(order.id)
    assert await stage.jobs("checkout.charge") == 1
    stage.provider.refuses = None
    stage.clock.advance(6 * HOUR_MS)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_who_paid_in_the_last_moment_has_paid(stage: Stage) -> None:
    order = await stage.won()
    session = await stage.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    stage.clock.advance(48 * HOUR_MS)
    stage.provider.succeed(session.intent)
    with pytest.raises(Later):
        await stage.checkout.expire(order.id)
    await stage.told_all()
    await stage.checkout.expire(order.id)
    assert (await stage.order(order.id)).state == "paid"


async def test_a_payment_that_is_being_processed_is_waited_for(stage: Stage) -> None:
    order = await stage.won()
    session = await stage.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    payments = stage.provider.payments
    payments[session.intent] = msgspec.structs.replace(payments[session.intent], status="processing")
    stage.clock.advance(48 * HOUR_MS)
    with pytest.raises(Later):
        await stage.checkout.expire(order.id)
    assert (await stage.order(order.id)).state == "awaiting_payment"


async def test_a_dispute_reaches_its_order_and_its_end(stage: Stage) -> None:
    session = await stage.starts()
    stage.provider.succeed(session.intent)
    await stage.told_all()
    charge = stage.provider.payments[session.intent].charge
    about = {"id": "dp_1", "charge": charge, "payment": session.intent, "amount": 5_413, "currency": "USD"}
    event = Event(id=EventId("evt_d"), type="charge.dispute.created", object="dp_1")
    asked = DisputeState(**{**about, "amount": 0}, fee=0, reason="general", status="open")
    stage.provider.disputes["dp_1"] = asked
    await stage.tell([event])
    assert (await stage.order(session.order.id)).dispute == "none", "an inquiry takes nothing"
    stage.provider.disputes["dp_1"] = DisputeState(**about, fee=1_500, reason="fraudulent", status="open")
    await stage.tell([event, event])
    assert (await stage.order(session.order.id)).dispute == "open"
    stage.provider.disputes["dp_1"] = DisputeState(**about, fee=1_500, reason="fraudulent", status="won")
    await stage.tell([event, event])
    assert (await stage.order(session.order.id)).dispute == "won"
