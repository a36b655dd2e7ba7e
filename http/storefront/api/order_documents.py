"""What the API tells of orders: to buyers, to sellers; allow-lists, field by field, so that neither sees what is the other's.

Amounts are minor units of the order's currency, `…_ts` are ms. States stand in fields of their own, as they are kept.
"""

from typing import Any, Literal

import msgspec

from liveserver.orders.issued import CreditNote
from liveserver.orders.model import (
    PROVIDER,
    SYSTEM,
    Address,
    DisputeView,
    Funds,
    Happening,
    Order,
    Refund,
    RefundStatus,
    RefundView,
    Source,
    State,
)
from storefront.orders.access import Whole

By = Literal["buyer", "seller", "system", "provider", "operator"]

TOLD = frozenset({"carrier", "tracking", "amount", "reason", "total"})
"""Of a happening's details, what both sides may read."""
TOLD_BUYERS = TOLD | {"message"}
"""Why a card was declined is the buyer's to know."""


class LineDocument(msgspec.Struct, frozen=True):
    """So many of one thing. `price` is of one, `amount` of all after the discount."""

    product: str
    variant: str
    title: str
    sku: str
    options: str
    picture: str
    quantity: int
    price: int
    discount: int
    amount: int


class TaxDocument(msgspec.Struct, frozen=True):
    """A tax; its rate in basis points."""

    name: str
    rate_bp: int
    amount: int


class Step(msgspec.Struct, frozen=True):
    """Something that happened to an order."""

    ts: int
    kind: str
    by: By
    detail: dict[str, str | int]


class RefundDocument(msgspec.Struct, frozen=True):
    """Money on its way back, or given back."""

    id: str
    amount: int
    currency: str
    reason: str
    status: RefundStatus
    created_ts: int
    settled_ts: int | None
    credit_note: str = ""
    """The number of its credit note; "" while it has none: it was not sent, or its order has no invoice."""


class DisputeDocument(msgspec.Struct, frozen=True):
    """The buyer's bank decides about the payment, or has decided."""

    id: str
    amount: int
    fee: int
    reason: str
    status: Literal["open", "won", "lost"]
    opened_ts: int
    closed_ts: int | None


class _Basics(msgspec.Struct, frozen=True, kw_only=True):
    """What all of an order's documents say."""

    id: str
    number: int
    source: Source
    state: State
    refund: RefundView
    dispute: DisputeView
    test: bool
    """No money moved: it was the test provider's."""
    show: str
    currency: str
    total: int
    refunded: int
    created_ts: int


class _Glance(_Basics, frozen=True, kw_only=True):
    """An order in a list."""

    title: str
    picture: str


class BoughtGlance(_Glance, frozen=True, kw_only=True):
    """An order in its buyer's list."""

    seller: str
    seller_name: str
    due_ts: int
    """Until when it may be paid."""


class SoldGlance(_Glance, frozen=True, kw_only=True):
    """An order in its seller's list."""

    funds: Funds
    buyer: str
    buyer_name: str
    units: int
    paid_ts: int | None


class _Order(_Basics, frozen=True, kw_only=True):
    """What both sides see of one order."""

    seller: str
    seller_name: str
    lines: tuple[LineDocument, ...]
    coupon: str
    subtotal: int
    """Goods after discounts."""
    discount: int
    shipping: int
    shipping_method: str
    taxes: tuple[TaxDocument, ...]
    tax: int
    address: Address | None
    carrier: str
    tracking: str
    due_ts: int
    paid_ts: int | None
    shipped_ts: int | None
    delivered_ts: int | None
    completed_ts: int | None
    cancelled_ts: int | None
    history: tuple[Step, ...]
    refunds: tuple[RefundDocument, ...]


class BoughtOrder(_Order, frozen=True, kw_only=True):
    """An order, as its buyer sees it."""


class SoldOrder(_Order, frozen=True, kw_only=True):
    """An order, as its seller sees it."""

    buyer: str
    buyer_name: str
    funds: Funds
    commission: int
    processing: int
    refundable: int
    """What can still be given back."""
    defaulted: bool
    disputes: tuple[DisputeDocument, ...]


def bought_glance(order: Order) -> BoughtGlance:
    """For its buyer's list."""
    return BoughtGlance(
        **_glance(order), seller=order.seller, seller_name=order.seller_name, due_ts=order.due_ts
    )


def sold_glance(order: Order) -> SoldGlance:
    """For its seller's list."""
    return SoldGlance(
        **_glance(order),
        funds=order.funds,
        buyer=order.buyer,
        buyer_name=order.buyer_name,
        units=sum(line.quantity for line in order.lines),
        paid_ts=order.paid_ts,
    )


def bought_order(of: Whole) -> BoughtOrder:
    """One order, for its buyer."""
    return BoughtOrder(**_common(of, TOLD_BUYERS))


def sold_order(of: Whole) -> SoldOrder:
    """One order, for its seller."""
    order = of.order
    return SoldOrder(
        **_common(of, TOLD),
        buyer=order.buyer,
        buyer_name=order.buyer_name,
        funds=order.funds,
        commission=order.commission,
        processing=order.processing,
        refundable=order.refundable,
        defaulted=order.defaulted,
        disputes=tuple(
            DisputeDocument(d.id, d.amount, d.fee, d.reason, d.status, d.opened_ts, d.closed_ts)
            for d in of.disputes
        ),
    )


def refund_document(refund: Refund, note: CreditNote | None = None) -> RefundDocument:
    """A refund's document."""
    return RefundDocument(
        refund.id,
        refund.amount,
        refund.currency,
        refund.reason,
        refund.status,
        refund.created_ts,
        refund.settled_ts,
        note.name if note is not None else "",
    )


def step(order: Order, of: Happening, told: frozenset[str] = TOLD) -> Step:
    """A line of the history: who it was by their part in the order, never by their id."""
    detail = {name: value for name, value in of.detail.items() if name in told}
    return Step(of.ts, of.kind, by(order, of.actor), detail)


def by(order: Order, actor: str) -> By:
    """Somebody's part in an order."""
    parts: dict[str, By] = {
        order.buyer: "buyer",
        order.seller: "seller",
        SYSTEM: "system",
        PROVIDER: "provider",
    }
    return parts.get(actor, "operator")


def _basics(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "source": order.source,
        "state": order.state,
        "refund": order.refund,
        "dispute": order.dispute,
        "test": order.test,
        "show": order.show,
        "currency": order.currency,
        "total": order.total,
        "refunded": order.refunded.total,
        "created_ts": order.created_ts,
    }


def _glance(order: Order) -> dict[str, Any]:
    return {**_basics(order), "title": order.title, "picture": order.lines[0].picture}


def _common(of: Whole, told: frozenset[str]) -> dict[str, Any]:
    order = of.order
    return {
        **_basics(order),
        "seller": order.seller,
        "seller_name": order.seller_name,
        "lines": tuple(
            LineDocument(
                line.product,
                line.variant,
                line.title,
                line.sku,
                line.options,
                line.picture,
                line.quantity,
                line.price,
                line.discount,
                line.amount,
            )
            for line in order.lines
        ),
        "coupon": order.coupon,
        "subtotal": order.item,
        "discount": order.discount,
        "shipping": order.shipping,
        "shipping_method": order.shipping_method,
        "taxes": tuple(TaxDocument(tax.name, tax.rate_bp, tax.amount) for tax in order.taxes),
        "tax": order.tax,
        "address": order.address,
        "carrier": order.carrier,
        "tracking": order.tracking,
        "due_ts": order.due_ts,
        "paid_ts": order.paid_ts,
        "shipped_ts": order.shipped_ts,
        "delivered_ts": order.delivered_ts,
        "completed_ts": order.completed_ts,
        "cancelled_ts": order.cancelled_ts,
        "history": tuple(step(order, happening, told) for happening in of.history),
        "refunds": tuple(refund_document(refund, of.credit_notes.get(refund.id)) for refund in of.refunds),
    }
