"""Answers that are lost, failures that are replayed, processes that end at any call: one charge, whatever happens."""

import pytest

from liveserver.checkout.model import Session
from liveserver.infra.database import transaction
from liveserver.jobs.worker import Later
from liveserver.kernel.errors import Rejected
from liveserver.orders import refunds
from tests.checkout.provider import Fault, Killed
from tests.checkout.stage import BEA, HOUR_MS, Stage

MINUTE_MS = 60_000


@pytest.mark.parametrize("fault", ["before", "after", "killed_before", "killed_after"])
async def test_the_call_that_charged_is_made_again_with_its_key(stage: Stage, fault: Fault) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults, stage.provider.search_lags = [fault], True
    with pytest.raises((Killed, Later)):
        await stage.checkout.charge(order.id)
    await stage.checkout.charge(order.id)
    assert stage.provider.calls == [f"pi:{order.id}:1"] * 2
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


@pytest.mark.parametrize("fault", ["before", "after", "killed_before", "killed_after"])
async def test_who_pays_on_the_page_meets_the_same_payment_again(stage: Stage, fault: Fault) -> None:
    order = await stage.won()
    stage.provider.faults, stage.provider.search_lags = [fault], True
    if fault.startswith("killed"):
        with pytest.raises(Killed):
            await stage.checkout.pay(BEA, order.id)
    else:
        answer = await stage.checkout.pay(BEA, order.id)
        assert isinstance(answer, Rejected)
        assert (answer.code, answer.retryable) == ("payment_unknown", True)
    assert isinstance(await stage.checkout.pay(BEA, order.id), Session)
    assert len(stage.provider.payments) == 1


async def test_an_answer_that_was_lost_is_found_at_once_by_the_order(stage: Stage) -> None:
    order = await stage.won()
    stage.provider.faults = ["after"]
    assert isinstance(await stage.checkout.pay(BEA, order.id), Session)


async def test_the_message_may_come_before_the_answer_and_before_the_restart(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults = ["killed_after"]
    with pytest.raises(Killed):
        await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (await stage.order(order.id)).state == "paid"
    await stage.checkout.charge(order.id)
    assert stage.provider.charges == 1


async def test_a_replayed_500_is_not_asked_for_ever_and_its_charge_is_found(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults, stage.provider.search_lags = ["stored_500"], True
    for _ in range(5):
        with pytest.raises(Later):
            await stage.checkout.charge(order.id)
        stage.clock.advance(MINUTE_MS)
    assert len(stage.provider.calls) == 3
    stage.provider.search_lags = False
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_another_attempt_is_made_only_when_the_first_is_proved_absent(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults = ["before"] * 3
    for _ in range(5):
        with pytest.raises(Later):
            await stage.checkout.charge(order.id)
        stage.clock.advance(MINUTE_MS)
    stage.clock.advance(HOUR_MS)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert stage.provider.calls[-1] == f"pi:{order.id}:2"
    assert (stage.provider.charges, (await stage.order(order.id)).state) == (1, "paid")


async def test_after_a_day_the_key_is_not_used_again(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults = ["killed_after"]
    with pytest.raises(Killed):
        await stage.checkout.charge(order.id)
    stage.clock.advance(25 * HOUR_MS)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (len(stage.provider.calls), stage.provider.charges) == (1, 1)
    assert (await stage.order(order.id)).state == "paid"


async def test_one_that_was_taken_for_absent_and_paid_after_all_goes_back(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults, stage.provider.search_lags = ["killed_after"], True
    with pytest.raises(Killed):
        await stage.checkout.charge(order.id)
    late, stage.provider.events = stage.provider.events, []
    stage.clock.advance(25 * HOUR_MS)
    await stage.checkout.charge(order.id)
    await stage.told_all()
    assert (await stage.order(order.id)).state == "paid"
    await stage.tell(late)
    await stage.told_all()
    assert (stage.provider.charges, stage.provider.given_back) == (2, order.total)
    await stage.money_is_right(order.id)


@pytest.mark.parametrize("fault", ["after", "killed_after", "killed_before"])
async def test_a_refund_whose_answer_was_lost_is_sent_once(stage: Stage, fault: Fault) -> None:
    session = await stage.starts()
    stage.provider.succeed(session.intent)
    await stage.told_all()
    async with transaction(stage.pool) as on:
        refund = await refunds.request(on, session.order.id, "user_sam", 2_000, "a scratch", 1)
    assert not isinstance(refund, Rejected)
    stage.provider.faults = [fault]
    with pytest.raises((Killed, Exception)):
        await stage.checkout.refund(refund.id)
    await stage.checkout.refund(refund.id)
    await stage.told_all()
    assert stage.provider.given_back == 2_000
    assert (await stage.history(session.order.id)).count("refunded") == 1
    await stage.money_is_right(session.order.id)
