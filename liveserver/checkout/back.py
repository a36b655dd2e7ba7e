"""Money on its way back: refunds that were promised, and payments that came too late. Never inside a transaction with the provider.

A call is written down before it is made, with its time: the provider forgets its key after a day, and then the same call would be a
second refund. What became of it the provider tells, or its answer already says.
"""

import logging

import msgspec

from liveserver.checkout.attempts import Q
from liveserver.checkout.model import Attempt, Stray, StrayJob
from liveserver.checkout.rules import KEY_TRUSTED_MS
from liveserver.infra.database import Connection, Pool, Record, transaction
from liveserver.jobs.queue import enqueue
from liveserver.kernel.clock import Clock
from liveserver.kernel.ids import OrderId, new_id
from liveserver.ledger import rules as postings
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account, Journal, Posting
from liveserver.orders import refunds
from liveserver.orders import store as orders
from liveserver.orders.model import PROVIDER, Captured, Order
from liveserver.orders.telling import happened
from liveserver.payments.port import KeyRefused, Payment, PaymentProvider, ProviderRefuses, RefundState

log = logging.getLogger(__name__)


class RefundUnclear(Exception):
    """A refund was sent longer ago than the provider keeps keys, and whether it was made can't be told: an operator has to look."""


class Back:
    """Sends money back."""

    def __init__(self, pool: Pool, provider: PaymentProvider, clock: Clock) -> None:
        self._pool = pool
        self._provider = provider
        self._clock = clock

    async def refund(self, refund: str) -> None:
        """The job of a refund that was promised. Raises OutcomeUnknown, KeyRefused (it is tried again), RefundUnclear."""
        found = await orders.find_refund(self._pool, refund)
        if found is None or found.status != "requested":
            return
        order = await orders.find(self._pool, found.order)
        assert order is not None, "a refund has an order, and orders stay"
        state = await self._send(refund, found.charge, found.amount, found.currency, order)
        async with transaction(self._pool) as on:
            await settle(on, refund, state, self._clock.now_ms())

    async def return_stray(self, stray: str) -> None:
        """The job of a payment that came too late. Raises as `refund`."""
        found = await find_stray(self._pool, stray)
        if found is None or found.state != "requested":
            return
        state = await self._send(stray, found.charge, found.amount, found.currency, None)
        async with transaction(self._pool) as on:
            await settle_stray(on, stray, state, self._clock.now_ms())

    async def _send(
        self, refund: str, charge: str, amount: int, currency: str, order: Order | None
    ) -> RefundState:
        now = self._clock.now_ms()
        row = await self._pool.fetchrow(Q.sending_refund, refund, now)
        assert row is not None, "an upsert gives its row"
        if row["reference"]:
            known = await self._provider.find_refund(row["reference"])
            if known is not None:
                return known
        if now - row["asked_ts"] >= KEY_TRUSTED_MS:
            await self._prove_not_sent(refund, order)
        try:
            state = await self._provider.refund(charge, amount, currency, refund, f"ref:{refund}")
        except KeyRefused:
            raise
        except ProviderRefuses as refuses:
            log.error("refund_refused", extra={"refund": refund, "code": refuses.code})
            return RefundState(
                id="",
                charge=charge,
                amount=amount,
                currency=currency,
                status="failed",
                error=str(refuses),
                metadata={"refund": refund},
            )
        await self._pool.execute(Q.refund_answered, refund, state.id)
        return state

    async def _prove_not_sent(self, refund: str, order: Order | None) -> None:
        """After a day the key proves nothing: the payment's own sum does, when it is what we know to be refunded without this one."""
        payment = None
        if order is not None:
            payment = await self._provider.find_payment(order.payment)
            known = await self._pool.fetchval(Q.settled_of_order, order.id)
            if payment is not None and payment.refunded == known:
                return
        else:
            stray = await find_stray(self._pool, refund)
            payment = None if stray is None else await self._provider.find_payment(stray.payment)
            if payment is not None and payment.refunded == 0:
                return
        raise RefundUnclear(f"{refund}: look at the payment at the provider, then settle it by hand")


async def settle(on: Connection, refund: str, state: RefundState, ts: int) -> None:
    """What the provider says of a refund; while it is pending there is nothing to be done."""
    if state.status == "succeeded":
        await refunds.settled(on, refund, state.id, ts)
    elif state.status in {"failed", "canceled"}:
        await refunds.failed(on, refund, state.id, state.error or "The provider could not send it.", ts)


async def come_too_late(
    on: Connection, order: str, attempt: Attempt | None, payment: Payment, reason: str, ts: int
) -> None:
    """A payment that nothing is bought with: it is written into the books, given back, and leaves room for another attempt."""
    stray = new_id("stray")
    made = await on.fetchval(
        Q.insert_stray,
        stray,
        order,
        payment.id,
        payment.charge,
        payment.received,
        payment.currency,
        reason,
        ts,
    )
    if made is None:
        return
    received = Journal(
        kind="stray_captured",
        object=payment.charge,
        currency=payment.currency,
        order=OrderId(order),
        postings=(
            Posting(Account.PSP_PENDING, payment.received),
            Posting(Account.REFUND_TRANSIT, -payment.received),
        ),
    )
    await ledger.post(on, [received], ts)
    if attempt is not None:
        await on.execute(Q.give_attempt_back, attempt.order, attempt.attempt, ts, payment.id)
    await enqueue(on, "checkout.return", StrayJob(stray), once=stray)


async def settle_stray(on: Connection, stray: str, state: RefundState, ts: int) -> None:
    """What the provider says of a late payment's way back."""
    await on.fetchval(Q.lock_stray, stray)
    found = await find_stray(on, stray)
    if found is None or state.status == "pending":
        return
    went = state.status == "succeeded"
    done = "succeeded" if went else "failed"
    if await on.fetchval(Q.settle_stray, stray, done, state.id, state.error[:500], ts) is None:
        return
    if went:
        journal = postings.refund_paid(stray, found.currency, found.amount, found.order)
        await ledger.post(on, [journal], ts)
    else:
        if found.state == "succeeded":  # the buyer's bank has sent it back
            journal = postings.refund_returned(stray, found.currency, found.amount, found.order)
            await ledger.post(on, [journal], ts)
        # The money is still with us and owed to somebody: it stays in refund transit until an operator has sent it.
        log.error("late_payment_kept", extra={"stray": stray, "order": found.order})
    kind = "late_payment_returned" if went else "late_payment_kept"
    await happened(on, found.order, kind, PROVIDER, ts, {"amount": found.amount, "charge": found.charge})


async def find_stray(on: Pool | Connection, stray: str) -> Stray | None:
    """A payment that came too late."""
    row = await on.fetchrow(Q.find_stray, stray)
    return None if row is None else _stray(row)


async def stray_of(on: Pool | Connection, charge: str) -> Stray | None:
    """Whether a charge came too late."""
    row = await on.fetchrow(Q.stray_of_charge, charge)
    return None if row is None else _stray(row)


def captured(payment: Payment) -> Captured:
    """A payment that succeeded, in the words of orders."""
    return Captured(payment.id, payment.charge, payment.received, payment.currency)


def _stray(row: Record) -> Stray:
    values = dict(row)
    values["order"] = values.pop("order_id")
    return msgspec.convert(values, Stray)
