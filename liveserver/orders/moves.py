"""What may happen to an order, one function each, inside the caller's transaction.

Every move holds the order's row, names the states it may come from, and writes what belongs to it: ledger, stock, history,
mails, jobs. The second of two that exclude each other is refused; the same one told again changes nothing. Who may is the
caller's to check. Refunds are in `refunds`, disputes in `disputes`.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from liveserver.infra.database import Connection
from liveserver.inventory import store as inventory
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, new_id
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.ledger import rules
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Sale
from liveserver.orders import disputes, refunds, store
from liveserver.orders.errors import (
    AMOUNT_DIFFERS,
    DISPUTED,
    LATE_PAYMENT,
    NOT_DUE,
    NOTHING_LEFT,
    ORDER_NOT_FOUND,
    TOO_LARGE,
    not_now,
)
from liveserver.orders.model import (
    LINES_MAX,
    PROVIDER,
    SYSTEM,
    UNPAID,
    Address,
    Captured,
    Draft,
    Line,
    Order,
    TaxLine,
)
from liveserver.orders.store import Q
from liveserver.orders.telling import happened, job, mail_buyer, mail_seller

COMPLETE_AFTER_MS = 14 * 86_400_000
"""After delivery nothing more is expected; buyers can still be refunded, and banks still dispute."""


Besides = Callable[[Order], Awaitable[Rejected | None]]
"""What a caller does for an order that is being placed, in the same transaction; a refusal undoes the order."""


class _Undone(Exception):
    """Leaves a savepoint, so that nothing of it stays."""

    def __init__(self, rejected: Rejected | None = None) -> None:
        super().__init__()
        self.rejected = rejected


async def place(on: Connection, draft: Draft, ts: int, besides: Besides | None = None) -> Order | Rejected:
    """Places an order, and holds its goods until it is due; the second time for one origin: the first order.

    What was sold in a show comes out of what the show took along, so only carts' goods are taken here. `besides` is what else is
    part of placing it. Refusals: `out_of_stock`, `amount_too_large`, and those of `besides`; nothing is left of a refused order.
    """
    assert 0 < len(draft.lines) <= LINES_MAX, "an order has lines, and not too many"
    if there := await store.by_origin(on, draft.origin):
        return there
    if draft_total(draft) > AMOUNT_MAX:
        return TOO_LARGE
    order = OrderId(new_id("ord"))
    try:
        async with on.transaction():
            return await _place(on, order, draft, ts, besides)
    except _Undone as undone:
        if undone.rejected is not None:
            return undone.rejected
        # Somebody else was placing the same just now, and we have waited for their transaction.
        there = await store.by_origin(on, draft.origin)
        assert there is not None, "whoever had the origin first has committed"
        return there


async def _place(on: Connection, order: OrderId, draft: Draft, ts: int, besides: Besides | None) -> Order:
    await _insert(on, order, draft, ts)
    placed = await happened(on, order, "placed", draft.buyer, ts, {"total": draft_total(draft)})
    await job(on, "checkout.expire", placed, draft.due_ts - ts)
    if draft.source != "cart":
        await mail_buyer(on, placed, "won", placed.total)
    if besides is not None and (refused := await besides(placed)) is not None:
        raise _Undone(refused)
    # Last: in a show everybody buys the same variant, and waits for whoever holds it.
    if draft.source == "cart" and (wanted := _goods(draft.lines)):
        refused = await inventory.reserve(on, order, wanted, draft.due_ts, ts)
        if refused is not None:
            raise _Undone(refused)
    return placed


def draft_total(draft: Draft) -> int:
    """What the buyer would pay."""
    taxes = sum(tax.amount for tax in draft.taxes)
    return sum(line.amount for line in draft.lines) + draft.shipping + taxes


def _sale(order: OrderId, draft: Draft) -> Sale:
    rate_bp = draft.rates.commission_bp
    commission = sum(
        rules.share(line.amount, rate_bp if line.commission_bp is None else line.commission_bp, 10_000)
        for line in draft.lines
    )
    return rules.sale(
        order,
        draft.seller,
        draft.currency,
        sum(line.amount for line in draft.lines),
        draft.shipping,
        sum(tax.amount for tax in draft.taxes),
        draft.rates,
        commission,
    )


async def _insert(on: Connection, order: OrderId, draft: Draft, ts: int) -> None:
    sale = _sale(order, draft)
    added = await on.fetchval(
        Q.insert_order,
        order,
        draft.origin,
        draft.source,
        draft.buyer,
        draft.buyer_name,
        draft.buyer_email,
        draft.seller,
        draft.seller_name,
        draft.show,
        draft.currency,
        draft.coupon,
        sale.item,
        sale.shipping,
        draft.shipping_method,
        msgspec.to_builtins(draft.taxes),
        sale.tax,
        sale.commission,
        sale.processing,
        msgspec.to_builtins(draft.rates),
        None if draft.address is None else msgspec.to_builtins(draft.address),
        draft.due_ts,
        ts,
        draft.test,
        sum(line.quantity for line in draft.lines),
    )
    if added is None:
        raise _Undone
    lines = draft.lines
    await on.execute(
        Q.insert_lines,
        order,
        [line.product for line in lines],
        [line.variant for line in lines],
        [line.title for line in lines],
        [line.sku for line in lines],
        [line.options for line in lines],
        [line.picture for line in lines],
        [line.category for line in lines],
        [line.quantity for line in lines],
        [line.price for line in lines],
        [line.discount for line in lines],
        [line.commission_bp for line in lines],
    )


def _goods(lines: Sequence[Line]) -> dict[str, int]:
    """Of which variants how many; lots outside the catalog have none."""
    found: dict[str, int] = {}
    for line in lines:
        if line.variant:
            found[line.variant] = found.get(line.variant, 0) + line.quantity
    return found


async def reprice(
    on: Connection,
    order: str,
    address: Address,
    shipping: int,
    method: str,
    taxes: Sequence[TaxLine],
    ts: int,
) -> Order | Rejected:
    """Another address, and the postage and taxes that follow from it. While unpaid; the caller has ended what was being paid.

    Refusals: `order_state`, `amount_too_large`.
    """
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state not in UNPAID:
        return not_now("changed", now.state)
    tax = sum(line.amount for line in taxes)
    if now.item + shipping + tax > AMOUNT_MAX:
        return TOO_LARGE
    sale = rules.sale(
        now.id, now.seller, now.currency, now.item, shipping, tax, now.rates, commission=now.commission
    )
    await on.execute(
        Q.reprice,
        now.id,
        msgspec.to_builtins(address),
        shipping,
        method,
        msgspec.to_builtins(tuple(taxes)),
        tax,
        sale.processing,
    )
    return await happened(on, now.id, "repriced", now.buyer, ts, {"total": sale.total})


async def paid(on: Connection, order: str, payment: Captured, ts: int) -> Order | Rejected:
    """The provider says that the payment succeeded: the money is in escrow, the goods are sold.

    The same charge again is the same answer. `late_payment` and `amount_differs`: the caller gives that charge back.
    """
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.paid_ts is not None and now.charge == payment.charge:
        return now
    if now.state not in UNPAID:
        await happened(on, now.id, "late_payment", PROVIDER, ts, {"charge": payment.charge})
        return LATE_PAYMENT
    if (payment.amount, payment.currency) != (now.total, now.currency):
        await happened(on, now.id, "late_payment", PROVIDER, ts, {"charge": payment.charge})
        return AMOUNT_DIFFERS
    if now.source == "cart" and _goods(now.lines):
        assert await inventory.sell(on, now.id) is None, "what an unpaid order holds goes back with its end"
    funds = "held" if now.total else "none"
    await on.execute(Q.pay, now.id, ts, payment.charge, payment.payment, funds)
    if now.total:
        await ledger.post(on, [rules.captured(now.sale, payment.charge)], ts)
    done = await happened(on, now.id, "paid", PROVIDER, ts, {"amount": now.total})
    await mail_buyer(on, done, "receipt", done.total)
    await mail_seller(on, done, "new_order", done.total)
    return done


async def payment_failed(on: Connection, order: str, code: str, message: str, ts: int) -> Order | Rejected:
    """An attempt was declined; there may be another."""
    done = await _between(on, order, "payment_failed", ts, {"code": code, "message": message})
    if isinstance(done, Order) and done.source != "cart":
        await mail_buyer(on, done, "payment_failed", done.total, message)
    return done


async def action_required(on: Connection, order: str, ts: int) -> Order | Rejected:
    """The card's bank wants its owner: the buyer goes on at our page."""
    done = await _between(on, order, "action_required", ts, {})
    if isinstance(done, Order) and done.source != "cart":
        await mail_buyer(on, done, "action_required", done.total)
    return done


async def awaiting(on: Connection, order: str, ts: int) -> Order | Rejected:
    """Another attempt has begun."""
    return await _between(on, order, "awaiting_payment", ts, {})


async def _between(
    on: Connection, order: str, state: str, ts: int, detail: dict[str, str | int]
) -> Order | Rejected:
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state == state:
        return now
    if await on.fetchval(Q.set_unpaid_state, now.id, state) is None:
        return not_now("paid", now.state)
    return await happened(on, now.id, state, PROVIDER, ts, detail)


async def cancel(on: Connection, order: str, by: str, reason: str, ts: int) -> Order | Rejected:
    """Will not be delivered: its goods are on hand again, and what was paid goes back.

    Refusal: `order_state` once it is on its way, `order_disputed` while the bank decides.
    """
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state == "cancelled":
        return now
    if now.state not in UNPAID and now.state != "paid":
        return not_now("cancelled", now.state)
    if now.refundable:
        refund = await refunds.request(on, now.id, by, now.refundable, reason, ts)
        if isinstance(refund, Rejected):
            return refund
    elif now.dispute == "open":
        return DISPUTED
    await on.execute(Q.cancel, now.id, ts, False)
    await _goods_back(on, now, "cancelled", ts)
    done = await happened(on, now.id, "cancelled", by, ts, {"reason": reason})
    await mail_buyer(on, done, "cancelled", done.total, reason)
    return done


async def expire(on: Connection, order: str, ts: int, *, blameless: bool = False) -> Order | Rejected:
    """Not paid in time: its goods are on hand again; whoever won or claimed it has defaulted, unless they are `blameless`.
    `not_due` before its time.

    The caller has made sure that the payment can't succeed any more.
    """
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state not in UNPAID:
        return now if now.state == "cancelled" else not_now("expired", now.state)
    if ts < now.due_ts:
        return NOT_DUE
    defaulted = now.source != "cart" and not blameless
    await on.execute(Q.cancel, now.id, ts, defaulted)
    await _goods_back(on, now, "expired", ts)
    done = await happened(on, now.id, "expired", SYSTEM, ts)
    if now.source != "cart":
        why = (
            "It could not be charged. That does not count against you."
            if blameless
            else "It was not paid in time."
        )
        await mail_buyer(on, done, "cancelled", done.total, why)
    return done


async def _goods_back(on: Connection, order: Order, reason: str, ts: int) -> None:
    """What an order held or had is on hand again."""
    if order.source == "cart" and order.paid_ts is None:
        await inventory.give_back(on, order.id, reason, ts)
    elif goods := _goods(order.lines):
        await inventory.put_back(on, order.id, goods, ts)


async def ship(on: Connection, order: str, by: str, carrier: str, tracking: str, ts: int) -> Order | Rejected:
    """On its way. Refusal: `nothing_left` when all of it was given back."""
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state == "paid" and now.total and now.gone.total == now.total:
        return NOTHING_LEFT
    if await on.fetchval(Q.ship, now.id, ts, carrier, tracking) is None:
        return not_now("shipped", now.state)
    done = await happened(on, now.id, "shipped", by, ts, {"carrier": carrier, "tracking": tracking})
    await mail_buyer(on, done, "shipped", done.total, f"{carrier} {tracking}".strip())
    return done


async def deliver(on: Connection, order: str, by: str, ts: int) -> Order | Rejected:
    """It arrived: the money in escrow becomes the seller's, ours and the carrier's, unless the bank is deciding about it."""
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if await on.fetchval(Q.deliver, now.id, ts) is None:
        return not_now("delivered", now.state)
    await disputes.release(on, now, ts)
    done = await happened(on, now.id, "delivered", by, ts)
    await job(on, "orders.complete", done, COMPLETE_AFTER_MS)
    return done


async def complete(on: Connection, order: str, ts: int) -> Order | Rejected:
    """Nothing more is expected."""
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if await on.fetchval(Q.complete, now.id, ts) is None:
        return now if now.state == "completed" else not_now("completed", now.state)
    return await happened(on, now.id, "completed", SYSTEM, ts)
