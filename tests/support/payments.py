"""Stripe's double with the adapter before it, and what tests of several folders do there: pay, save a card, deliver what is told."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from liveserver.accounts.model import Identity
from liveserver.kernel.errors import Rejected
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Inbox
from liveserver.payments.port import Payment, PaymentRequest, SavedCard
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.server import StripeDouble


def before(double: StripeDouble) -> StripeProvider:
    """The adapter, through the real SDK. Close it, or take `stripe`."""
    return StripeProvider("sk_test_double", "pk_test_double", double.secret, double.url)


@asynccontextmanager
async def stripe(
    now_s: Callable[[], int] | None = None,
) -> AsyncIterator[tuple[StripeDouble, StripeProvider]]:
    """A double, whose time may be a test's own, and the adapter before it."""
    async with StripeDouble(now_s) as double:
        provider = before(double)
        try:
            yield double, provider
        finally:
            await provider.aclose()


async def paid(
    double: StripeDouble, provider: StripeProvider, order: str, amount: int, currency: str
) -> Payment:
    """A payment for an order that a buyer has made on the page."""
    request = PaymentRequest(order=order, attempt=1, amount=amount, currency=currency, description="Lamp")
    begun = await provider.pay(request, f"pi:{order}:1")
    double.confirm(begun.id, "card_pays")
    done = await provider.find_payment(begun.id)
    assert done is not None
    assert done.status == "succeeded", done
    return done


async def saves_a_card(double: StripeDouble, cards: Cards, who: Identity, token: str) -> SavedCard:
    """Somebody saves one of the double's cards (`CARDS`)."""
    setup = await cards.begin(who, "bea@example.org")
    assert not isinstance(setup, Rejected), setup
    double.confirm_setup(setup.id, token)
    card = await cards.finish(who.id, setup.id)
    assert not isinstance(card, Rejected), card
    return card


async def delivers(
    double: StripeDouble,
    inbox: Inbox,
    *,
    seed: int = 0,
    times: int = 2,
    events: Sequence[dict[str, Any]] = (),
) -> None:
    """What was told (or only some of it) comes in, signed: so many times each, in an order that the seed gives."""
    letters = [*(events or double.events)] * times
    random.Random(seed).shuffle(letters)
    for letter in letters:
        refused = await inbox.receive(*double.signed(letter))
        assert refused is None, refused
