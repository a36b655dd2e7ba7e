"""Somebody saves another card: the provider's late word about the first does not bring it back; or takes a card away, which ends it at the
provider, too."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.payments.cards import FORGET_TRIES_MAX, Cards
from liveserver.payments.port import Event, EventId, Payment, PaymentRequest, ProviderRefuses, SavedCard
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.server import StripeDouble
from tests.payments.test_sandbox import BEA, sandbox
from tests.support import payments

__all__ = ["sandbox"]

NOW_MS = 1_700_000_000_000


async def test_the_card_that_was_saved_last_is_the_one_that_is_charged(sandbox: Sandbox, pool: Pool):
    clock = VirtualClock(NOW_MS)
    cards = Cards(pool, sandbox, clock)
    events: list[Event] = []
    for token in ("card_pays", "card_later"):
        clock.advance(60_000)
        setup = await cards.begin(BEA, "bea@example.org")
        assert not isinstance(setup, Rejected)
        await sandbox.confirm_setup(setup.id, token)
        events.append(
            Event(
                id=EventId(token), type="setup_intent.succeeded", object=setup.id, created_ts=clock.now_ms()
            )
        )
        done = await cards.finish(BEA.id, setup.id)
        assert not isinstance(done, Rejected)
    clock.advance(3_600_000)
    for event in reversed(events):
        effect = await cards.handlers()[event.type](event)
        assert effect is not None
        async with transaction(pool) as on:
            await effect(on)
    card = await cards.card_of(pool, BEA.id)
    assert card is not None
    assert card.last4 == "0341"


class Purse:
    """Somebody's cards at Stripe, and the worker that looks after them."""

    def __init__(self, pool: Pool, double: StripeDouble, provider: StripeProvider) -> None:
        self.pool = pool
        self.double = double
        self.provider = provider
        self.cards = Cards(pool, provider, VirtualClock(NOW_MS))

    async def works(self) -> None:
        """Jobs are tried, those that failed before, too."""
        await self.pool.execute("UPDATE pgqueuer SET execute_after = now()")
        await Worker(self.pool, self.cards.works()).drain()

    async def has_one(self) -> bool:
        return await self.cards.card_of(self.pool, BEA.id) is not None

    async def charged(self, card: SavedCard) -> Payment:
        request = PaymentRequest(
            order="o",
            attempt=1,
            amount=500,
            currency="USD",
            description="",
            customer=card.customer,
            card=card.id,
        )
        return await self.provider.pay(request, "pi:o:1")


@pytest.fixture
async def purse(pool: Pool) -> AsyncIterator[Purse]:
    async with payments.stripe() as (double, provider):
        yield Purse(pool, double, provider)


async def test_a_card_that_was_forgotten_is_not_brought_back_by_its_event(purse: Purse):
    await payments.saves_a_card(purse.double, purse.cards, BEA, "card_pays")
    (setup,) = purse.double.all("setup_intent")
    late = Event(id=EventId("evt_1"), type="setup_intent.succeeded", object=setup["id"], created_ts=NOW_MS)
    await purse.cards.forget(BEA.id)
    too_early = await purse.cards.handlers()[late.type](late)
    assert too_early is not None, "Stripe has not forgotten it yet"
    async with transaction(purse.pool) as on:
        await too_early(on)
    await purse.works()
    assert not await purse.has_one()
    assert await purse.cards.handlers()[late.type](late) is None


@pytest.mark.parametrize("fault", ["", "500 before", "500 after", "cut before", "cut after", "429"])
async def test_a_card_that_is_taken_away_can_not_be_charged_whatever_is_lost(purse: Purse, fault: Any):
    card = await payments.saves_a_card(purse.double, purse.cards, BEA, "card_pays")
    purse.double.faults.extend([fault] if fault else [])
    await purse.cards.forget(BEA.id)
    assert not await purse.has_one(), "here it is gone at once"
    for _ in range(2):
        await purse.works()
    assert await purse.pool.fetchval("SELECT count(*) FROM pgqueuer") == 0
    with pytest.raises(ProviderRefuses):
        await purse.charged(card)


async def test_another_card_that_was_saved_in_between_stays(purse: Purse):
    await payments.saves_a_card(purse.double, purse.cards, BEA, "card_pays")
    await purse.cards.forget(BEA.id)
    other = await payments.saves_a_card(purse.double, purse.cards, BEA, "card_later")
    await purse.works()
    assert await purse.cards.card_of(purse.pool, BEA.id) == other


async def test_who_has_no_card_has_none_forgotten(purse: Purse):
    await purse.cards.forget(BEA.id)
    await purse.works()
    assert purse.double.asked["POST payment_methods"] == 0


async def test_a_card_that_stripe_will_not_let_go_is_kept_in_sight_as_a_dead_job(purse: Purse):
    await payments.saves_a_card(purse.double, purse.cards, BEA, "card_pays")
    purse.double.away = True
    await purse.cards.forget(BEA.id)
    for _ in range(FORGET_TRIES_MAX):
        await purse.works()
    assert await purse.pool.fetchval("SELECT status::text FROM pgqueuer") == "failed"
