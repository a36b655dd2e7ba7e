"""Payments put together from the settings: provider, saved cards, checkout, sellers' money, the inbox of the provider's messages.

Without Stripe's secret key it is the built-in test provider, which moves no money and says so everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from liveserver.accounts import store as accounts
from liveserver.accounts.model import Identity
from liveserver.checkout import works as checkout_works
from liveserver.checkout.errors import CART_EMPTY
from liveserver.checkout.model import Baskets, Method, Priced, SavedAddress, Till
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import Connection, Pool
from liveserver.jobs.worker import Every, Work
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.ledger.model import Rates
from liveserver.orders.model import Address, Line, Order, TaxLine
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Inbox
from liveserver.payments.port import PaymentProvider
from liveserver.payments.sandbox import delivery
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payouts.upkeep import MoneyOut, money_out

NO_SUCH_ADDRESS = Rejected("address_not_found", "There is no such address, or it is not yours.")


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


def paying_of(settings: Settings, pool: Pool, clock: Clock, baskets: Baskets | None = None) -> Paying:
    """Payments by the settings; `baskets` is the cart."""
    provider = Sandbox(pool, clock)
    cards = Cards(pool, provider, clock)
    checkout = Checkout(pool, provider, cards, baskets or NoCart(), clock, settings)
    money = money_out(pool, provider, clock, settings)
    handlers = {**checkout.handlers(), **cards.handlers(), **money.handlers()}
    inbox = Inbox(pool, provider, clock, handlers)
    return Paying(
        provider=provider,
        cards=cards,
        checkout=checkout,
        inbox=inbox,
        till=provider,
        money=money,
        works=(
            *checkout_works.works(checkout),
            *inbox.works(),
            *delivery.works(provider, inbox),
            *money.works(),
        ),
        periodic=(*inbox.periodic(), *money.periodic()),
    )


@dataclass(frozen=True)
class _AsOrdered:
    """What was ordered, at the price it has."""

    order: Order

    @property
    def seller(self) -> UserId:
        return self.order.seller

    @property
    def seller_name(self) -> str:
        return self.order.seller_name

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.order.lines

    @property
    def coupon(self) -> str:
        return self.order.coupon

    @property
    def shipping(self) -> int:
        return self.order.shipping

    @property
    def method(self) -> str:
        return self.order.shipping_method

    @property
    def taxes(self) -> tuple[TaxLine, ...]:
        return self.order.taxes

    @property
    def rates(self) -> Rates:
        return self.order.rates

    @property
    def subtotal(self) -> int:
        return self.order.item + self.order.discount

    @property
    def discount(self) -> int:
        return self.order.discount

    @property
    def total(self) -> int:
        return self.order.total


class NoCart:
    """`checkout.Baskets` where there is no cart: only what was sold in shows is paid, and it costs the same everywhere."""

    async def address(self, on: Connection, who: Identity, address: str | Address) -> Address | Rejected:
        return address if isinstance(address, Address) else NO_SUCH_ADDRESS

    async def price(
        self, on: Connection, who: Identity, seller: str, address: Address, method: str, coupon: str
    ) -> Priced | Rejected:
        return CART_EMPTY

    async def price_again(self, on: Connection, order: Order, address: Address) -> Priced | Rejected:
        return _AsOrdered(order)

    async def ordered(self, on: Connection, who: Identity, order: Order, coupon: str) -> Rejected | None:
        return None

    async def email_of(self, on: Connection, who: Identity) -> str:
        account = await accounts.find_account(on, UserId(who.id))
        return "" if account is None else account.email

    async def saved(self, on: Pool | Connection, who: Identity) -> Sequence[SavedAddress]:
        return ()

    async def methods(
        self, on: Pool | Connection, who: Identity, seller: str, country: str
    ) -> Sequence[Method]:
        return ()
