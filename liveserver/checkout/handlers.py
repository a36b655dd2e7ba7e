"""What the provider's messages come to: the only way for an order to become paid.

Messages come twice, late and out of order, so each is only a reason to ask for the object, outside any transaction; what the
object says is applied in the one transaction that also marks the message as done (`payments.Inbox`).
"""

import logging
from collections.abc import Mapping

from liveserver.checkout import attempts, back
from liveserver.checkout.attempts import Retries
from liveserver.checkout.model import Attempt
from liveserver.infra.database import Connection, Pool
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.orders import disputes, moves
from liveserver.orders import store as orders
from liveserver.payments.inbox import Effect, EventHandler, NotYet
from liveserver.payments.port import DisputeState, Event, Payment, PaymentProvider, RefundState

log = logging.getLogger(__name__)

PAYMENT_EVENTS = tuple(
    f"payment_intent.{word}"
    for word in (
        "created",
        "requires_action",
        "processing",
        "payment_failed",
        "amount_capturable_updated",
        "succeeded",
        "canceled",
    )
)
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
DISPUTE_EVENTS = tuple(
    f"charge.dispute.{word}"
    for word in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)


def handlers(
    pool: Pool, provider: PaymentProvider, clock: Clock, retries: Retries
) -> Mapping[str, EventHandler]:
    """By type. `charge.refunded` is none of them: `refund.…` tells the same by the refund, and which one."""

    async def payment(event: Event) -> Effect | None:
        found = await provider.find_payment(event.object)
        if found is None:
            raise NotYet(f"the provider does not find {event.object}")
        order, number = found.metadata.get("order", ""), found.metadata.get("attempt", "")
        if not order or not number.isdecimal():
            log.info("payment_not_ours", extra={"payment": found.id})
            return None
        return lambda on: _payment(on, order, int(number), found, retries, clock.now_ms())

    async def refund(event: Event) -> Effect | None:
        found = await provider.find_refund(event.object)
        if found is None:
            raise NotYet(f"the provider does not find {event.object}")
        ours = found.metadata.get("refund", "")
        if not ours:
            # Made at the provider's own pages: the nightly reconciliation shows it, nobody posts it silently.
            log.warning("refund_not_ours", extra={"refund": found.id})
            return None
        return lambda on: _refund(on, ours, found, clock.now_ms())

    async def dispute(event: Event) -> Effect | None:
        found = await provider.find_dispute(event.object)
        if found is None:
            raise NotYet(f"the provider does not find {event.object}")
        if found.amount == 0:
            # An inquiry: the bank has asked, and taken nothing. Should it become a dispute, that is told again.
            return None
        return lambda on: _dispute(on, found, clock.now_ms())

    return {
        **dict.fromkeys(PAYMENT_EVENTS, payment),
        **dict.fromkeys(REFUND_EVENTS, refund),
        **dict.fromkeys(DISPUTE_EVENTS, dispute),
    }


async def _payment(
    on: Connection, order: str, number: int, payment: Payment, retries: Retries, ts: int
) -> None:
    if await orders.lock(on, order) is None:
        raise NotYet(f"order {order} is not here yet")
    attempt = await attempts.find(on, order, number)
    if attempt is None:
        raise NotYet(f"attempt {number} of {order} is not here yet")
    if attempt.live:
        attempt = await attempts.note(on, attempt, payment, retries, ts)
    if payment.status == "succeeded":
        await _succeeded(on, attempt, payment, ts)


async def _succeeded(on: Connection, attempt: Attempt, payment: Payment, ts: int) -> None:
    if await back.stray_of(on, payment.charge) is not None:
        return
    paid = await moves.paid(on, attempt.order, back.captured(payment), ts)
    if isinstance(paid, Rejected):
        log.warning("late_payment", extra={"order": attempt.order, "charge": payment.charge})
        await back.come_too_late(on, attempt.order, attempt, payment, paid.code, ts)


async def _refund(on: Connection, ours: str, state: RefundState, ts: int) -> None:
    if await back.find_stray(on, ours) is not None:
        await back.settle_stray(on, ours, state, ts)
    elif await orders.find_refund(on, ours) is not None:
        await back.settle(on, ours, state, ts)
    else:
        raise NotYet(f"refund {ours} is not here yet")


async def _dispute(on: Connection, state: DisputeState, ts: int) -> None:
    order = await orders.by_charge(on, state.charge)
    if order is None:
        if await back.stray_of(on, state.charge) is not None:
            log.warning("dispute_of_late_payment", extra={"dispute": state.id})
            return
        raise NotYet(f"the charge {state.charge} is not here yet")
    await disputes.opened(on, order.id, state.id, state.amount, state.fee, state.reason, ts)
    if state.status != "open":
        await disputes.closed(on, state.id, state.status == "won", ts)
