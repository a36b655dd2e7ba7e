"""Who ends an order wants nothing charged for it any more, whatever became of a call that had no answer."""

import pytest

from liveserver.checkout.rules import SEARCHABLE_AFTER_MS
from liveserver.jobs.worker import Later
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Order
from tests.checkout.stage import BEA, HOUR_MS, Stage
from tests.orders.shop import SELLER


async def won_and_asked_in_vain(stage: Stage, fault: str) -> Order:
    """Bea's card was to be charged, and the provider has not answered."""
    stage.cards.save(BEA.id)
    order = await stage.won()
    stage.provider.faults, stage.provider.search_lags = [fault], True  # type: ignore[list-item]  # one of its faults
    with pytest.raises(Later):
        await stage.checkout.charge(order.id)
    return order


async def test_a_cancellation_does_not_charge_the_card_to_learn_whether_it_was_charged(stage: Stage) -> None:
    order = await won_and_asked_in_vain(stage, "before")
    answer = await stage.checkout.cancel(order.id, SELLER, "broken")
    assert isinstance(answer, Rejected)
    assert (answer.code, stage.provider.charged) == ("payment_unknown", 0)
    stage.clock.advance(SEARCHABLE_AFTER_MS)
    done = await stage.checkout.cancel(order.id, SELLER, "broken")
    assert isinstance(done, Order), done
    assert (done.state, stage.provider.charged) == ("cancelled", 0)


async def test_nor_does_the_end_of_the_time_to_pay(stage: Stage) -> None:
    order = await won_and_asked_in_vain(stage, "before")
    stage.clock.advance(48 * HOUR_MS)
    await stage.checkout.expire(order.id)
    assert ((await stage.order(order.id)).state, stage.provider.charged) == ("cancelled", 0)


async def test_a_charge_that_had_been_made_is_found_and_the_order_is_paid(stage: Stage) -> None:
    order = await won_and_asked_in_vain(stage, "after")
    stage.provider.search_lags = False
    answer = await stage.checkout.cancel(order.id, SELLER, "broken")
    assert isinstance(answer, Rejected)
    assert answer.code == "payment_processing"
    await stage.told_all()
    assert ((await stage.order(order.id)).state, stage.provider.charges) == ("paid", 1)
