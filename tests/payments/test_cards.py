"""Somebody saves another card: the provider's late word about the first does not bring it back."""

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.payments.cards import Cards
from liveserver.payments.port import Event, EventId
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.server import StripeDouble
from tests.payments.test_sandbox import BEA, sandbox

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


async def test_a_card_that_was_forgotten_is_not_brought_back_by_its_event(pool: Pool):
    async with StripeDouble() as double:
        provider = StripeProvider("sk_test_double", "pk_test_double", double.secret, double.url)
        cards = Cards(pool, provider, VirtualClock(NOW_MS))
        setup = await cards.begin(BEA, "bea@example.org")
        assert not isinstance(setup, Rejected)
        double.confirm_setup(setup.id, "card_pays")
        assert not isinstance(await cards.finish(BEA.id, setup.id), Rejected)
        await cards.forget(BEA.id)
        late = Event(id=EventId("evt_1"), type="setup_intent.succeeded", object=setup.id, created_ts=NOW_MS)
        effect = await cards.handlers()[late.type](late)
        assert effect is None
        assert await cards.card_of(pool, BEA.id) is None
        await provider.aclose()
