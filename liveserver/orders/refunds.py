"""Money back to a buyer: asked for, sent by the provider, or not to be sent after all; inside the caller's transaction.

A refund is posted when it is asked for, so that the same money can't be promised twice or released meanwhile; the provider is
asked by a job (`checkout.refund`), and what it says settles it.
"""

import msgspec

from liveserver.infra.database import Connection
from liveserver.jobs.queue import enqueue
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId, new_id
from liveserver.ledger import rules
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account, Refunds
from liveserver.orders import credit_notes, store
from liveserver.orders.errors import DISPUTED, ORDER_NOT_FOUND, REFUND_NOT_FOUND, not_now, over_refund
from liveserver.orders.model import PROVIDER, Funds, Order, Refund, RefundId, RefundJob
from liveserver.orders.store import Q
from liveserver.orders.telling import happened, mail_buyer

ONCE_MS = 86_400_000
"""So long a key of whoever asks means the same refund; as long as `Idempotency-Key` is remembered for anything."""


async def payable_of(on: Connection, seller: UserId, currency: str) -> tuple[int, int]:
    """What stands on a seller's account, and what they owe us; held still until the transaction ends."""
    keys = [
        (Account.SELLER_PAYABLE, seller, currency),
        (Account.SELLER_RECEIVABLE, seller, currency),
    ]
    held = await ledger.hold(on, keys)
    return held[keys[0]], held[keys[1]]


async def set_money(
    on: Connection, order: Order, refunded: Refunds, lost: Refunds, dispute: str, funds: Funds | None = None
) -> None:
    """Writes what is gone of an order, and where the rest is: where it was, if not said. Once all of it is gone, it is reversed."""
    if order.total and refunded.total + lost.total == order.total:
        funds = "reversed"
    await on.execute(
        Q.set_money,
        order.id,
        refunded.item,
        refunded.shipping,
        refunded.tax,
        lost.item,
        lost.shipping,
        lost.tax,
        funds or order.funds,
        dispute,
    )


async def request(
    on: Connection, order: str, by: str, amount: int, reason: str, ts: int, once: str = ""
) -> Refund | Rejected:
    """Promises so much back, and has it sent. `once`: a key of whoever asks; asked again with it within a day, it is the same refund.

    Refusals: `over_refund` past what is left (amounts are minor units), `order_state` for an unpaid order, `order_disputed` while the
    bank decides.
    """
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if once and (asked := await on.fetchval(Q.refund_asked_before, now.id, by, once, amount, ts - ONCE_MS)):
        return await _found(on, asked)
    if now.paid_ts is None:
        return not_now("refunded", now.state)
    if now.dispute == "open":
        return DISPUTED
    part = rules.split_refund(now.sale, now.gone, amount)
    if isinstance(part, Rejected):
        return over_refund(now.refundable)
    refund = RefundId(new_id("re"))
    await on.execute(Q.insert_refund, refund, now.id, part.item, part.shipping, part.tax, reason, by, ts)
    if now.funds == "released":
        payable, _ = await payable_of(on, now.seller, now.currency)
        journal = rules.refunded_after_release(now.sale, refund, now.gone, part, payable)
    else:
        journal = rules.refunded_before_release(now.sale, refund, part)
    await ledger.post(on, [journal], ts)
    await set_money(on, now, added(now.refunded, part), now.lost, now.dispute)
    asked_for: dict[str, str | int] = {"amount": part.total, "reason": reason}
    if once:
        asked_for |= {"refund": refund, "once": once}
    await happened(on, now.id, "refund_requested", by, ts, asked_for)
    await enqueue(on, "checkout.refund", RefundJob(refund))
    return await _found(on, refund)


async def _found(on: Connection, refund: str) -> Refund:
    there = await store.find_refund(on, refund)
    assert there is not None, "refunds stay"
    return there


def added(one: Refunds, other: Refunds) -> Refunds:
    """Both together."""
    return Refunds(one.item + other.item, one.shipping + other.shipping, one.tax + other.tax)


def _less(one: Refunds, other: Refunds) -> Refunds:
    return Refunds(one.item - other.item, one.shipping - other.shipping, one.tax - other.tax)


async def settled(on: Connection, refund: str, reference: str, ts: int) -> Refund | Rejected:
    """The provider has sent it. Told again, nothing changes."""
    found = await _held(on, refund)
    if isinstance(found, Rejected):
        return found
    now, before = found
    if await on.fetchval(Q.settle_refund, refund, "succeeded", reference, "", ts) is None:
        return before
    await ledger.post(on, [rules.refund_paid(refund, now.currency, before.amount, now.id)], ts)
    await credit_notes.issue_due(on, now.id, ts)
    done = await happened(on, now.id, "refunded", PROVIDER, ts, {"amount": before.amount})
    await mail_buyer(on, done, "refunded", before.amount, before.reason)
    return msgspec.structs.replace(before, status="succeeded", reference=reference, settled_ts=ts)


async def failed(on: Connection, refund: str, reference: str, message: str, ts: int) -> Refund | Rejected:
    """The provider could not send it, or the buyer's bank has sent it back: everybody has again what they had given."""
    found = await _held(on, refund)
    if isinstance(found, Rejected):
        return found
    now, before = found
    message = message[:500]
    returned = await on.fetchval(Q.fail_settled_refund, refund, message, ts) is not None
    if not returned and await on.fetchval(Q.settle_refund, refund, "failed", reference, message, ts) is None:
        return before
    if returned:
        await ledger.post(on, [rules.refund_returned(refund, now.currency, before.amount, now.id)], ts)
    await _give_again(on, now, before, ts)
    await happened(on, now.id, "refund_failed", PROVIDER, ts, {"amount": before.amount, "message": message})
    return msgspec.structs.replace(before, status="failed", error=message, settled_ts=ts)


async def _give_again(on: Connection, order: Order, refund: Refund, ts: int) -> None:
    """Back where it was taken from; or, was it taken from escrow and the rest released since, where the rest went.

    What the bank has taken by a lost dispute though it was refunded is covered first: the buyer has that, and nobody else is to.
    """
    taken = await _taken_twice(on, order, refund)
    back, lost = _less(refund.parts, taken), added(order.lost, taken)
    gone = _less(order.gone, back)
    journals = [rules.refund_covers_chargeback(order.sale, refund.id, taken.total)] if taken.total else []
    funds: Funds = order.funds
    if back.total:
        released = await _is_released(on, order)
        funds = "released" if released else "held"
        if await _came_from_escrow(on, order, refund):
            journals.append(rules.refund_failed_before_release(order.sale, refund.id, back))
            if released:
                journals.append(rules.released_late(order.sale, refund.id, gone, back))
        else:
            _, owed = await payable_of(on, order.seller, order.currency)
            journals.append(rules.refund_failed(order.sale, refund.id, gone, back, owed))
    await ledger.post(on, journals, ts)
    await set_money(on, order, _less(order.refunded, refund.parts), lost, order.dispute, funds)


async def _taken_twice(on: Connection, order: Order, refund: Refund) -> Refunds:
    """Of which parts of a refund lost disputes took more than was left of the order, and so the same money."""
    disputes = await store.disputes_of(on, order.id)
    twice = sum(one.amount for one in disputes if one.status == "lost") - order.lost.total
    left = max(0, min(twice, refund.amount))
    item = min(left, refund.parts.item)
    shipping = min(left - item, refund.parts.shipping)
    return Refunds(item, shipping, left - item - shipping)


async def _came_from_escrow(on: Connection, order: Order, refund: Refund) -> bool:
    """Its own journal tells."""
    for journal in await ledger.journals_of(on, order.id):
        if (journal.kind, journal.object) == ("refunded", refund.id):
            return any(line.account is Account.ESCROW for line in journal.postings)
    raise AssertionError("a refund is posted when it is asked for")


async def _is_released(on: Connection, order: Order) -> bool:
    """Whether the seller has their share of what is left, or would have it now if anything had been left at the delivery."""
    if any(journal.kind == "released" for journal in await ledger.journals_of(on, order.id)):
        return True
    return order.delivered_ts is not None and order.dispute != "open"


async def _held(on: Connection, refund: str) -> tuple[Order, Refund] | Rejected:
    """The refund and its order, held still; the order first, as everybody does."""
    found = await store.find_refund(on, refund)
    if found is None:
        return REFUND_NOT_FOUND
    now = await store.lock(on, found.order)
    again = await store.find_refund(on, refund)
    assert now is not None and again is not None, "refunds and their orders stay"  # noqa: PT018 - one fact
    return now, again
