"""The words of orders. Amounts are integer minor units of the order's currency, times milliseconds.

An order's state stands in columns of their own, never in one status: how far the order itself is, what was refunded,
whether its payment is disputed, and where its money is.
"""

from typing import Literal, NewType

import msgspec

from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger.model import Rates, Refunds, Sale

RefundId = NewType("RefundId", str)
DisputeId = NewType("DisputeId", str)

State = Literal[
    "awaiting_payment",
    "payment_failed",
    "action_required",
    "paid",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
]
UNPAID: frozenset[State] = frozenset({"awaiting_payment", "payment_failed", "action_required"})
"""Between these an order may go to and fro; from each it may become paid or cancelled."""
FULFILLED: frozenset[State] = frozenset({"paid", "shipped", "delivered", "completed"})
"""Money was received; what is given back of it is a refund."""

RefundView = Literal["none", "partial", "full"]
DisputeView = Literal["none", "open", "won", "lost"]
Funds = Literal["none", "held", "released", "reversed"]
"""`held`: in escrow; `released`: the seller's; `reversed`: all of it went back, by refund or by a lost dispute."""
Source = Literal["cart", "auction", "claim"]

SYSTEM = "system"
"""Who acted, where nobody did: time passed."""
PROVIDER = "provider"
"""Who acted, where the payment provider told us."""

LINES_MAX = 100
"""Lines of one order, as many as a cart has."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where goods go. Checked by the cart, frozen with the order."""

    name: str
    line1: str
    line2: str = ""
    city: str
    region: str = ""
    postal_code: str = ""
    country: str
    """ISO 3166-1 alpha-2."""
    phone: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """So many of one thing, as it was called and priced when it was ordered."""

    product: str = ""
    """"" for a lot that is in nobody's catalog."""
    variant: str = ""
    title: str
    sku: str = ""
    options: str = ""
    """Such as `Red / M`."""
    picture: str = ""
    category: str = ""
    quantity: int = 1
    price: int
    """Of one."""
    discount: int = 0
    """Off the whole line."""
    commission_bp: int | None = None
    """None: the rate of the order."""

    @property
    def amount(self) -> int:
        """What the line costs after its discount."""
        return self.price * self.quantity - self.discount


class TaxLine(msgspec.Struct, frozen=True):
    """One tax: its name, its rate in basis points, its amount."""

    name: str
    rate_bp: int
    amount: int


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is placed: priced by the cart, with the rates that are kept of it."""

    origin: str
    """What it came from, unique for ever: `cart:{checkout}`, `lot:{show}:{lot}`, `claim:{show}:{claim}`."""
    source: Source
    buyer: UserId
    buyer_name: str
    buyer_email: str = ""
    seller: UserId
    seller_name: str
    show: str = ""
    currency: str
    lines: tuple[Line, ...]
    coupon: str = ""
    shipping: int = 0
    shipping_method: str = ""
    taxes: tuple[TaxLine, ...] = ()
    address: Address | None = None
    rates: Rates
    due_ts: int
    """Until when it may be paid."""
    test: bool
    """The payment provider moves no money."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands."""

    id: OrderId
    number: int
    """What people call it by."""
    origin: str
    source: Source
    buyer: UserId
    buyer_name: str
    buyer_email: str
    seller: UserId
    seller_name: str
    show: str
    currency: str
    lines: tuple[Line, ...]
    coupon: str
    item: int
    """Goods after discounts."""
    shipping: int
    shipping_method: str
    taxes: tuple[TaxLine, ...]
    tax: int
    commission: int
    processing: int
    rates: Rates
    address: Address | None
    state: State
    dispute: DisputeView
    funds: Funds
    charge: str
    """The charge that paid it; "" before, and for an order that cost nothing."""
    payment: str
    """The provider's payment that paid it."""
    refunded: Refunds
    """What was promised back, whether or not it has left the provider; failed refunds are not in it."""
    lost: Refunds
    """What lost disputes took, besides."""
    defaulted: bool
    """Won or claimed, and not paid in time."""
    test: bool
    carrier: str
    tracking: str
    due_ts: int
    created_ts: int
    paid_ts: int | None
    shipped_ts: int | None
    delivered_ts: int | None
    completed_ts: int | None
    cancelled_ts: int | None

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.item + self.shipping + self.tax

    @property
    def discount(self) -> int:
        return sum(line.discount for line in self.lines)

    @property
    def refund(self) -> RefundView:
        """Derived from what was refunded."""
        if self.refunded.total == 0:
            return "none"
        return "full" if self.refunded.total == self.total else "partial"

    @property
    def gone(self) -> Refunds:
        """What is no longer there of what was paid."""
        back, lost = self.refunded, self.lost
        return Refunds(back.item + lost.item, back.shipping + lost.shipping, back.tax + lost.tax)

    @property
    def refundable(self) -> int:
        """What could still be given back."""
        return self.total - self.gone.total if self.paid_ts is not None and self.dispute != "open" else 0

    @property
    def title(self) -> str:
        """What it is about in a few words: its first line, and how many more."""
        more = len(self.lines) - 1
        return self.lines[0].title + (f" + {more}" if more else "")

    @property
    def sale(self) -> Sale:
        """Its figures, as the ledger needs them."""
        return Sale(
            order=self.id,
            seller=self.seller,
            currency=self.currency,
            item=self.item,
            shipping=self.shipping,
            tax=self.tax,
            commission=self.commission,
            processing=self.processing,
        )


class Captured(msgspec.Struct, frozen=True):
    """A payment that the provider says has succeeded."""

    payment: str
    charge: str
    amount: int
    currency: str


RefundStatus = Literal["requested", "succeeded", "failed"]


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back to the buyer."""

    id: RefundId
    order: OrderId
    charge: str
    currency: str
    amount: int
    parts: Refunds
    """Of which parts of the order."""
    reason: str
    actor: str
    status: RefundStatus
    reference: str
    """The provider's name for it, once it has one."""
    error: str
    created_ts: int
    settled_ts: int | None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """The card's bank has taken the payment back while it decides, or has decided."""

    id: DisputeId
    order: OrderId
    amount: int
    fee: int
    reason: str
    status: Literal["open", "won", "lost"]
    opened_ts: int
    closed_ts: int | None


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order's history."""

    ts: int
    kind: str
    """`placed`, `repriced`, `paid`, `payment_failed`, `action_required`, `awaiting_payment`, `shipped`, `delivered`, `completed`,
    `cancelled`, `expired`, `refund_requested`, `refunded`, `refund_failed`, `dispute_opened`, `dispute_won`, `dispute_lost`,
    `late_payment`."""
    actor: str
    detail: dict[str, str | int] = {}


class OrderJob(msgspec.Struct, frozen=True):
    """The payload of jobs about an order."""

    order: OrderId


class RefundJob(msgspec.Struct, frozen=True):
    """The payload of the job that has a refund sent."""

    refund: RefundId
