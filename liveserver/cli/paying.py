"""Payments put together from the settings: provider, saved cards, checkout, sellers' money, the inbox of the provider's messages.

Without Stripe's secret key it is the built-in test provider, which moves no money and says so everywhere.
"""

from dataclasses import dataclass

from liveserver.checkout import works as checkout_works
from liveserver.checkout.baskets import CartBaskets
from liveserver.checkout.model import Baskets, Till
from liveserver.checkout.service import Checkout
from liveserver.cli.selling import quotes_of
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Every, Work
from liveserver.kernel.clock import Clock
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Inbox
from liveserver.payments.port import PaymentProvider
from liveserver.payments.sandbox import delivery
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payouts.upkeep import MoneyOut, money_out


@dataclass(frozen=True)
class Paying:
    """All that takes payments."""

    provider: PaymentProvider
    cards: Cards
    checkout: Checkout
    inbox: Inbox
    till: Till | None
    """The test provider's card form."""
    money: MoneyOut
    """Sellers' balances and payouts."""
    works: tuple[Work, ...]
    periodic: tuple[Every, ...]

    async def aclose(self) -> None:
        """Closes the connections to the provider."""
        await self.provider.aclose()


def provider_of(settings: Settings, pool: Pool, clock: Clock) -> PaymentProvider:
    """Stripe where there is a key, else the test provider."""
    if not settings.stripe_secret_key:
        return Sandbox(pool, clock)
    # Its SDK is a fifth of a second at the start and 15 MB in every process: only for those who use it.
    from liveserver.payments.stripe.provider import StripeProvider

    return StripeProvider(
        settings.stripe_secret_key,
        settings.stripe_publishable_key,
        settings.stripe_webhook_secret,
        settings.stripe_api_url,
    )


def paying_of(settings: Settings, pool: Pool, clock: Clock, baskets: Baskets | None = None) -> Paying:
    """Payments by the settings; `baskets` is the cart."""
    provider = provider_of(settings, pool, clock)
    cards = Cards(pool, provider, clock)
    checkout = Checkout(
        pool, provider, cards, baskets or CartBaskets(quotes_of(settings, clock)), clock, settings
    )
    money = money_out(pool, provider, clock, settings)
    handlers = {**checkout.handlers(), **cards.handlers(), **money.handlers()}
    inbox = Inbox(pool, provider, clock, handlers)
    return Paying(
        provider=provider,
        cards=cards,
        checkout=checkout,
        inbox=inbox,
        till=provider if isinstance(provider, Sandbox) else None,
        money=money,
        works=(
            *checkout_works.works(checkout),
            *inbox.works(),
            *cards.works(),
            *(delivery.works(provider, inbox) if isinstance(provider, Sandbox) else ()),
            *money.works(),
        ),
        periodic=(*inbox.periodic(), *money.periodic()),
    )
