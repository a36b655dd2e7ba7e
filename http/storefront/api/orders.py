"""`/me/orders` and `/seller/orders`: orders as their buyers and sellers see them, what sellers do with them, exports and figures.

Whose order it is stands in the query (`storefront.orders.access`); what may happen to it is decided in `liveserver.orders`.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.catalog.errors import PRODUCT_NOT_FOUND
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId
from liveserver.orders import store
from liveserver.orders.model import State
from liveserver.orders.store import EVER, Sought
from storefront.api.documents import Listing
from storefront.api.inputs import Input
from storefront.api.order_documents import (
    BoughtGlance,
    BoughtOrder,
    RefundDocument,
    SoldGlance,
    SoldOrder,
    bought_glance,
    bought_order,
    refund_document,
    sold_glance,
    sold_order,
)
from storefront.api.paging import Cursor, Limit, bounded
from storefront.api.registry import HOSTS, SIGNED_IN, Call, Table, operation
from storefront.orders import access, export, figures, stock
from storefront.orders.figures import Figures
from storefront.orders.stock import StockEvent

Reason = Annotated[str, Meta(max_length=500, pattern="^[^\\x00]*$", description="The other side reads it.")]
Time = Annotated[int, Meta(ge=0, le=EVER, description="Unix time in ms.")]


class BoughtQuery(msgspec.Struct, frozen=True):
    """Which of one's orders."""

    state: State | None = None
    cursor: Cursor = ""
    limit: Limit = 20


class SoldFilter(msgspec.Struct, frozen=True):
    """Which of a shop's orders."""

    state: State | None = None
    show: Annotated[str, Meta(max_length=40)] = ""
    from_ts: Time = 0
    to_ts: Time = EVER
    search: Annotated[
        str, Meta(max_length=100, description="An order's number, or a part of the buyer's name or a title.")
    ] = ""

    def sought(self) -> Sought:
        """In the orders' words."""
        states: tuple[State, ...] = (self.state,) if self.state else ()
        return Sought(states, self.show, self.from_ts, self.to_ts, self.search)


class SoldQuery(SoldFilter, frozen=True):
    """Which of a shop's orders, and which page of them."""

    cursor: Cursor = ""
    limit: Limit = 20


class FiguresQuery(msgspec.Struct, frozen=True):
    """Which time: the last 30 days if nothing is said, 92 days at most."""

    from_ts: Time | None = None
    to_ts: Time | None = None


class StockQuery(msgspec.Struct, frozen=True):
    """Which page."""

    cursor: Cursor = ""
    limit: Limit = 50


class Cancellation(Input, frozen=True):
    """Why it is cancelled."""

    reason: Reason = ""


class Shipment(Input, frozen=True):
    """How it is sent."""

    carrier: Annotated[str, Meta(max_length=60, pattern="^[^\\x00]*$")] = ""
    tracking: Annotated[str, Meta(max_length=120, pattern="^[^\\x00]*$")] = ""


class NewRefund(Input, frozen=True):
    """What to give back, in minor units of the order's currency."""

    amount: Annotated[int, Meta(ge=1, le=10**12)]
    reason: Reason = ""


@operation("GET", "/me/orders", tag="orders", who=SIGNED_IN)
async def my_orders(call: Call, query: BoughtQuery) -> Listing[BoughtGlance] | Rejected:
    """One's own orders, the newest first."""
    sought = Sought((query.state,) if query.state else ())
    page = await store.of_buyer(
        call.services.pool, call.who.id, sought, query.cursor or None, bounded(call, query.limit)
    )
    return page if isinstance(page, Rejected) else Listing(tuple(map(bought_glance, page.items)), page.next)


@operation("GET", "/me/orders/{id}", tag="orders", who=SIGNED_IN)
async def my_order(call: Call, id: str) -> BoughtOrder | Rejected:
    """One of one's own orders, with its history and refunds."""
    pool = call.services.pool
    found = await access.bought(pool, call.who, id)
    return found if isinstance(found, Rejected) else bought_order(await access.whole(pool, found))


@operation("POST", "/me/orders/{id}/cancel", tag="orders", who=SIGNED_IN)
async def cancel_my_order(call: Call, id: str, body: Cancellation) -> BoughtOrder | Rejected:
    """Cancels an order from one's cart.

    While it is unpaid, or until half an hour after it was paid if it is not on its way; then all that was paid goes back. What was
    won or claimed in a show is binding (`order_binding`).
    """
    done = await access.cancel_bought(call.services, call.who, id, body.reason)
    return done if isinstance(done, Rejected) else bought_order(await access.whole(call.services.pool, done))


@operation("GET", "/seller/orders", tag="seller", who=HOSTS)
async def sold_orders(call: Call, query: SoldQuery) -> Listing[SoldGlance] | Rejected:
    """What one sold, the newest first."""
    page = await store.of_seller(
        call.services.pool, call.who.id, query.sought(), query.cursor or None, bounded(call, query.limit)
    )
    return page if isinstance(page, Rejected) else Listing(tuple(map(sold_glance, page.items)), page.next)


@operation("GET", "/seller/orders.csv", tag="seller", who=HOSTS)
async def sold_orders_csv(call: Call, query: SoldFilter) -> Table:
    """What one sold as CSV: a row for each line of an order, up to 10,000 orders."""
    return Table("orders.csv", export.rows_of(call.services.pool, call.who.id, query.sought()))


@operation("GET", "/seller/orders/{id}", tag="seller", who=HOSTS)
async def one_sold_order(call: Call, id: str) -> SoldOrder | Rejected:
    """One order of one's shop, with its history, refunds and disputes."""
    found = await access.sold(call.services.pool, call.who, id)
    return found if isinstance(found, Rejected) else await _sold(call, id)


@operation("POST", "/seller/orders/{id}/ship", tag="seller", who=HOSTS)
async def ship_order(call: Call, id: str, body: Shipment) -> SoldOrder | Rejected:
    """It is on its way."""
    done = await access.ship(call.services, call.who, id, body.carrier, body.tracking)
    return done if isinstance(done, Rejected) else await _sold(call, id)


@operation("POST", "/seller/orders/{id}/deliver", tag="seller", who=HOSTS)
async def deliver_order(call: Call, id: str) -> SoldOrder | Rejected:
    """It arrived; what was held for it becomes the seller's."""
    done = await access.deliver(call.services, call.who, id)
    return done if isinstance(done, Rejected) else await _sold(call, id)


@operation("POST", "/seller/orders/{id}/cancel", tag="seller", who=HOSTS)
async def cancel_sold_order(call: Call, id: str, body: Cancellation) -> SoldOrder | Rejected:
    """Will not be delivered: what was paid goes back in full."""
    done = await access.cancel_sold(call.services, call.who, id, body.reason)
    return done if isinstance(done, Rejected) else await _sold(call, id)


@operation("POST", "/seller/orders/{id}/refunds", tag="seller", who=HOSTS, status=201, keyed=True)
async def refund_order(call: Call, id: str, body: NewRefund) -> RefundDocument | Rejected:
    """Gives back a part of what was paid, or all of it. `over_refund` says how much is left."""
    once = call.request.headers.get("Idempotency-Key", "")
    done = await access.refund(call.services, call.who, id, body.amount, body.reason, once)
    return done if isinstance(done, Rejected) else refund_document(done)


@operation("GET", "/seller/analytics", tag="seller", who=HOSTS)
async def analytics(call: Call, query: FiguresQuery) -> Figures | Rejected:
    """What one sold, by day (UTC) of payment and by show."""
    span = figures.span_of(query.from_ts, query.to_ts, call.services.clock.now_ms())
    if isinstance(span, Rejected):
        return span
    return await figures.figures_of(call.services.pool, call.who.id, *span)


@operation("GET", "/seller/products/{id}/stock", tag="seller", who=HOSTS)
async def stock_history(call: Call, id: str, query: StockQuery) -> Listing[StockEvent] | Rejected:
    """What happened to the stock of one of one's own products, the latest first."""
    found = await call.services.catalog.get(ProductId(id))
    if found is None or (found.seller != call.who.id and call.who.role != "admin"):
        return PRODUCT_NOT_FOUND
    page = await stock.stock_of(
        call.services.pool, found.id, query.cursor or None, bounded(call, query.limit)
    )
    return page if isinstance(page, Rejected) else Listing(page.items, page.next)


async def _sold(call: Call, id: str) -> SoldOrder | Rejected:
    """As it is now, after what was done."""
    found = await access.sold(call.services.pool, call.who, id)
    return found if isinstance(found, Rejected) else sold_order(await access.whole(call.services.pool, found))
