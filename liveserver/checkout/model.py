"""The words of checkout: a wish, an attempt to have it paid, and what a payment page is given. Amounts are minor units."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from liveserver.accounts.model import Identity
from liveserver.cart.model import Quote
from liveserver.infra.database import Connection, Pool
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.orders.model import Address, Order
from liveserver.payments.port import Payment, PaymentRequest, SavedCard, SetupIntent

AttemptState = Literal[
    "asked",
    "needs_card",
    "needs_action",
    "processing",
    "failed",
    "succeeded",
    "canceled",
    "refused",
    "absent",
    "returned",
]
"""`asked`: written down, perhaps sent, no answer yet. From `needs_card` to `canceled`: as the provider says. `refused`: the
provider found the call wrong. `absent`: it was proved that the provider has none. `returned`: succeeded too late, given back."""
LIVE: frozenset[AttemptState] = frozenset(
    {"asked", "needs_card", "needs_action", "processing", "failed", "succeeded"}
)
"""It could still take money, or has: there is no other beside it (a partial unique index)."""
ATTEMPTS_MAX = 50
"""Attempts of one order: far beyond what anybody with a working card needs, and the end of trying stolen ones."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to have an order paid."""

    order: OrderId
    attempt: int
    key: str
    request: PaymentRequest
    provider: str
    payment: str
    """The provider's name for it; "" while no answer has come."""
    state: AttemptState
    off_session: bool
    unknowns: int
    """Calls that ended without an answer."""
    error_code: str
    error: str
    created_ts: int
    asked_ts: int
    """When the call was last sent."""
    updated_ts: int

    @property
    def live(self) -> bool:
        return self.state in LIVE


class CheckoutWish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to buy: all of one seller in their cart."""

    seller: UserId
    address: str | Address
    """The id of a saved one, or a new one."""
    method: str = ""
    coupon: str = ""
    expected_total: int | None = None
    """What the buyer was shown; another figure is refused. None: any, for callers without a page."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the payment page needs."""

    order: Order
    provider: str
    intent: str
    """"" when nothing is to be paid."""
    client_secret: str
    publishable_key: str
    test: bool
    status: str
    """As the provider says: `needs_card`, `needs_action`, `processing`, `failed`, `succeeded`; `free` when it costs nothing."""


class Stray(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that came too late, on its way back."""

    id: str
    order: OrderId
    payment: str
    charge: str
    amount: int
    currency: str
    reason: str
    state: Literal["requested", "succeeded", "failed"]
    reference: str
    error: str
    created_ts: int
    settled_ts: int | None


class StrayJob(msgspec.Struct, frozen=True):
    """The payload of `checkout.return`."""

    stray: str


class SavedAddress(msgspec.Struct, frozen=True):
    """One of somebody's addresses."""

    id: str
    address: Address


class Method(msgspec.Struct, frozen=True):
    """A way to have goods sent."""

    id: str
    name: str


class Baskets(Protocol):
    """What checkout asks the cart, each within the caller's transaction."""

    async def address(self, on: Connection, who: Identity, address: str | Address) -> Address | Rejected:
        """The saved one of that id, or the given one, checked."""
        ...

    async def price(
        self, on: Connection, who: Identity, seller: str, address: Address, method: str, coupon: str
    ) -> Quote | Rejected:
        """Stock, prices and coupon as of now. The basket is held still until the transaction ends."""
        ...

    async def price_again(self, on: Connection, order: Order, address: Address) -> Quote | Rejected:
        """What an unpaid order costs when it goes elsewhere."""
        ...

    async def ordered(self, on: Connection, who: Identity, order: Order, coupon: str) -> Rejected | None:
        """What was ordered leaves the basket, and its coupon is used."""
        ...

    async def email_of(self, on: Connection, who: Identity) -> str: ...

    async def saved(self, on: Pool | Connection, who: Identity) -> Sequence[SavedAddress]:
        """Somebody's addresses, the usual one first."""
        ...

    async def methods(
        self, on: Pool | Connection, who: Identity, seller: str, country: str
    ) -> Sequence[Method]:
        """How a seller sends to a country; nothing: it is free, or not sent there (`price` says so)."""
        ...


class Wallet(Protocol):
    """Who has saved a card (`payments.Cards`)."""

    async def card_of(self, on: Pool | Connection, user: str) -> SavedCard | None: ...


class Cards(Wallet, Protocol):
    """Saving cards and forgetting them (`payments.Cards`)."""

    async def begin(self, who: Identity, email: str) -> SetupIntent | Rejected: ...
    async def finish(self, who: str, setup: str) -> SavedCard | Rejected: ...
    async def forget(self, user: str) -> None: ...


class Inbox(Protocol):
    """Takes the provider's messages (`payments.Inbox`)."""

    async def receive(self, body: bytes, signature: str) -> Rejected | None: ...


class Till(Protocol):
    """What the test provider's own page elements would do: enter a test card, answer the bank's question."""

    async def confirm(self, payment: str, token: str) -> Payment:
        """Pays with a test card; what comes of it is in the answer."""
        ...

    async def authenticate(self, payment: str, *, agreed: bool) -> Payment:
        """Confirms or refuses as the card's owner."""
        ...

    async def confirm_setup(self, setup: str, token: str) -> SetupIntent:
        """Saves a test card. Raises ProviderRefuses for one that can't be."""
        ...
