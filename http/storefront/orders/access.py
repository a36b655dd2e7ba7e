"""Whose order it is, and what buyers and sellers may have done to it: the owner stands in the query, before any move.

Somebody else's order is not found, whatever its state: that it exists is nobody's business.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from liveserver.accounts.model import Identity
from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import credit_notes, moves, refunds, store
from liveserver.orders.errors import ORDER_NOT_FOUND
from liveserver.orders.issued import CreditNote
from liveserver.orders.model import UNPAID, Dispute, Happening, Order, Refund
from storefront.services import Services

Q = load_queries("storefront.orders")
CHANGE_OF_MIND_MS = 30 * 60_000
"""How long after paying a cart's order its buyer may still cancel it alone; after that it may be packed, and the seller decides."""

BINDING = Rejected(
    "order_binding", "What you won or claimed in a show is binding. Ask the seller if something is wrong."
)
TOO_LATE = Rejected("cancel_too_late", "The seller may have packed it already. Ask them to cancel it.")


class Whole(msgspec.Struct, frozen=True):
    """An order with all that belongs to it."""

    order: Order
    history: tuple[Happening, ...]
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]
    credit_notes: dict[str, CreditNote]
    """By refund."""


async def bought(db: Pool | Connection, who: Identity, order: str) -> Order | Rejected:
    """One's own order, as its buyer. `order_not_found`."""
    return await _found(db, await db.fetchval(Q.bought, order, who.id))


async def sold(db: Pool | Connection, who: Identity, order: str) -> Order | Rejected:
    """An order of one's own shop (an admin: of any). `order_not_found`."""
    return await _found(db, await db.fetchval(Q.sold, order, who.role == "admin", who.id))


async def _found(db: Pool | Connection, order: str | None) -> Order | Rejected:
    found = None if order is None else await store.find(db, order)
    return ORDER_NOT_FOUND if found is None else found


async def whole(db: Pool | Connection, order: Order) -> Whole:
    """The order with its history, refunds and disputes."""
    return Whole(
        order,
        tuple(await store.history(db, order.id)),
        tuple(await store.refunds_of(db, order.id)),
        tuple(await store.disputes_of(db, order.id)),
        {note.refund: note for note in (await credit_notes.of_orders(db, [order.id])).get(order.id, ())},
    )


def buyer_may_cancel(order: Order, now_ts: int) -> Rejected | None:
    """None if the buyer may cancel it alone: what came from a cart, unpaid, or paid a short while ago and not yet on its way."""
    if order.source != "cart":
        return BINDING
    if order.state in UNPAID or order.state == "cancelled":
        return None
    if order.state == "paid" and order.paid_ts is not None and now_ts - order.paid_ts < CHANGE_OF_MIND_MS:
        return None
    return TOO_LATE


async def cancel_bought(services: Services, who: Identity, order: str, reason: str) -> Order | Rejected:
    """The buyer has changed their mind. `order_not_found`, `order_binding`, `cancel_too_late`, and as `Checkout.cancel`."""
    found = await bought(services.pool, who, order)
    if isinstance(found, Rejected):
        return found
    # What is shipped just now is refused by the move itself.
    refused = buyer_may_cancel(found, services.clock.now_ms())
    return refused or await _cancel(services, who, found, reason)


async def cancel_sold(services: Services, who: Identity, order: str, reason: str) -> Order | Rejected:
    """The seller can't deliver. `order_not_found`, and as `Checkout.cancel`."""
    found = await sold(services.pool, who, order)
    return found if isinstance(found, Rejected) else await _cancel(services, who, found, reason)


async def _cancel(services: Services, who: Identity, order: Order, reason: str) -> Order | Rejected:
    """Through checkout, which first ends what could still be paid."""
    if services.checkout is not None:
        return await services.checkout.cancel(order.id, who.id, reason)
    async with transaction(services.pool) as on:
        return await moves.cancel(on, order.id, who.id, reason, services.clock.now_ms())


async def ship(
    services: Services, who: Identity, order: str, carrier: str, tracking: str
) -> Order | Rejected:
    """It is on its way. `order_not_found`, and as `moves.ship`."""
    return await _move(services, who, order, moves.ship, who.id, carrier, tracking)


async def deliver(services: Services, who: Identity, order: str) -> Order | Rejected:
    """It arrived. `order_not_found`, and as `moves.deliver`."""
    return await _move(services, who, order, moves.deliver, who.id)


async def refund(
    services: Services, who: Identity, order: str, amount: int, reason: str, once: str
) -> Refund | Rejected:
    """Gives back so much, in minor units. `order_not_found`, and as `refunds.request`.

    `once` is the request's key, or "": the key of an answer that was never kept is free again after a moment, and a refund must be
    made once even then.
    """
    return await _move(services, who, order, partial(refunds.request, once=once), who.id, amount, reason)


async def _move(
    services: Services, who: Identity, order: str, move: Callable[..., Awaitable[Any]], *args: Any
) -> Any:
    async with transaction(services.pool) as on:
        found = await sold(on, who, order)
        if isinstance(found, Rejected):
            return found
        return await move(on, found.id, *args, services.clock.now_ms())
