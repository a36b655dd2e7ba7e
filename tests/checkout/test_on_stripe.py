"""Checkout on Stripe's published shapes: answers lost after the charge, signed messages that come many times in any order."""

from collections.abc import AsyncIterator

import pytest

from liveserver.checkout.model import Session
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Later, Worker
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Inbox
from liveserver.payments.stripe.provider import StripeProvider
from tests.checkout.stage import BEA, Stage
from tests.doubles.stripe.server import StripeDouble
from tests.support import payments


class OnStripe(Stage):
    """The stage with Stripe behind it."""

    def __init__(self, pool: Pool, double: StripeDouble, provider: StripeProvider) -> None:
        super().__init__(pool, provider)
        self.double = double
        self.inbox = Inbox(pool, provider, self.clock, self.handlers)
        self.kept = Cards(pool, provider, self.clock)

    async def saves_a_card(self, token: str) -> None:
        self.cards.saved[BEA.id] = await payments.saves_a_card(self.double, self.kept, BEA, token)

    async def told_often(self, seed: int) -> None:
        await payments.delivers(self.double, self.inbox, seed=seed, times=20)
        await Worker(self.pool, self.inbox.works()).drain()

    @property
    def charges(self) -> int:
        return sum(name.startswith("ch_") for name in self.double.objects)


@pytest.fixture
async def on_stripe(shop: Pool) -> AsyncIterator[OnStripe]:
    async with payments.stripe() as (double, provider):
        yield OnStripe(shop, double, provider)


async def test_a_buyer_pays_on_the_page(on_stripe: OnStripe) -> None:
    session = await on_stripe.starts()
    assert (session.publishable_key, session.test, session.status) == ("pk_test_double", True, "needs_card")
    on_stripe.double.confirm(session.intent, "card_pays")
    await on_stripe.told_often(1)
    assert (await on_stripe.order(session.order.id)).state == "paid"
    assert await on_stripe.journals(session.order.id) == ["captured"]


@pytest.mark.parametrize("fault", ["500 before", "500 after", "cut before", "cut after", "429"])
async def test_a_winner_is_charged_once_whatever_is_lost(on_stripe: OnStripe, fault: str) -> None:
    await on_stripe.saves_a_card("card_pays")
    order = await on_stripe.won()
    on_stripe.double.faults.append(fault)  # type: ignore[arg-type]  # one of its faults
    for _ in range(3):
        try:
            await on_stripe.checkout.charge(order.id)
        except Later:
            continue
        break
    await on_stripe.told_often(2)
    assert (on_stripe.charges, (await on_stripe.order(order.id)).state) == (1, "paid")
    assert await on_stripe.journals(order.id) == ["captured"]


async def test_a_declined_winner_pays_with_another_card(on_stripe: OnStripe) -> None:
    await on_stripe.saves_a_card("card_later")
    order = await on_stripe.won()
    await on_stripe.checkout.charge(order.id)
    assert (await on_stripe.order(order.id)).state == "payment_failed"
    session = await on_stripe.checkout.pay(BEA, order.id)
    assert isinstance(session, Session)
    on_stripe.double.confirm(session.intent, "card_pays")
    await on_stripe.told_often(3)
    assert (await on_stripe.order(order.id)).state == "paid"
