"""Attempts as rows: written down before the provider is asked, changed by what it says, one live at a time for each order.

Every function is part of the caller's transaction. It asks nobody; `asking` does.
"""

import msgspec

from liveserver.checkout import rules
from liveserver.checkout.errors import TOO_LATE, TOO_MANY_ATTEMPTS
from liveserver.checkout.model import ATTEMPTS_MAX, Attempt
from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.jobs.queue import enqueue
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId
from liveserver.orders import moves
from liveserver.orders import store as orders
from liveserver.orders.errors import ORDER_NOT_FOUND, not_now
from liveserver.orders.model import UNPAID, Order, OrderJob
from liveserver.payments.port import Payment, PaymentRequest, SavedCard

Q = load_queries("liveserver.checkout")
Database = Pool | Connection


class Retries(msgspec.Struct, frozen=True):
    """How often, and after how long, a winner's declined card is charged again."""

    times: int
    pause_ms: int


async def begin(
    on: Connection,
    order: str,
    provider: str,
    card: SavedCard | None,
    ts: int,
    *,
    off_session: bool = False,
) -> Attempt | Rejected:
    """Writes the next attempt down, or gives the one that is live. With a card that is charged at once; `off_session`: without
    its owner.

    Refusals: `order_state`, `payment_window_over`, `too_many_payments`.
    """
    now = await orders.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.state not in UNPAID:
        return not_now("paid", now.state)
    if ts >= now.due_ts:
        return TOO_LATE
    if (there := await live(on, order)) is not None:
        return there
    number = await on.fetchval(Q.last_attempt, now.id) + 1
    if number > ATTEMPTS_MAX:
        return TOO_MANY_ATTEMPTS
    begun = await _insert(on, now, number, provider, card, ts, off_session=off_session)
    if now.state != "awaiting_payment":
        await moves.awaiting(on, now.id, ts)
    return begun


async def first(on: Connection, placed: Order, provider: str, ts: int) -> Attempt:
    """Writes down the attempt that an order is placed with, in the same transaction: nobody else knows the order yet."""
    return await _insert(on, placed, 1, provider, None, ts, off_session=False)


async def _insert(
    on: Connection,
    order: Order,
    number: int,
    provider: str,
    card: SavedCard | None,
    ts: int,
    *,
    off_session: bool,
) -> Attempt:
    request = PaymentRequest(
        order=order.id,
        attempt=number,
        amount=order.total,
        currency=order.currency,
        description=f"#{order.number} {order.title}",
        customer="" if card is None else card.customer,
        card="" if card is None else card.id,
        receipt_email=order.buyer_email,
    )
    row = await on.fetchrow(
        Q.insert_attempt,
        order.id,
        number,
        f"pi:{order.id}:{number}",
        msgspec.to_builtins(request),
        provider,
        off_session,
        ts,
    )
    assert row is not None, "the order is held: nobody else begins an attempt"
    return _attempt(row)


async def live(on: Database, order: str) -> Attempt | None:
    """The attempt that could take money, or has."""
    row = await on.fetchrow(Q.live_attempt, order)
    return None if row is None else _attempt(row)


async def last(on: Database, order: str) -> Attempt | None:
    """The newest attempt, whatever became of it."""
    return await find(on, order, await on.fetchval(Q.last_attempt, order))


async def find(on: Database, order: str, attempt: int) -> Attempt | None:
    """An attempt by its number."""
    row = await on.fetchrow(Q.find_attempt, order, attempt)
    return None if row is None else _attempt(row)


async def of_order(on: Database, order: str) -> list[Attempt]:
    """All attempts of an order; at most ATTEMPTS_MAX."""
    return [_attempt(row) for row in await on.fetch(Q.attempts_of, order)]


async def note(on: Connection, attempt: Attempt, payment: Payment, retries: Retries, ts: int) -> Attempt:
    """Keeps what the provider says of an attempt, and what that means for an order that is not paid.

    Success is kept too, but makes no order paid: only the provider's own message does (`handlers`).
    """
    assert await orders.hold(on, attempt.order), "an attempt has an order, and orders stay"
    row = await on.fetchrow(
        Q.set_attempt,
        attempt.order,
        attempt.attempt,
        payment.status,
        payment.id,
        payment.error_code[:120],
        payment.error_message[:500],
        ts,
    )
    if row is None:
        there = await find(on, attempt.order, attempt.attempt)
        assert there is not None, "attempts stay"
        return there
    noted = _attempt(row)
    meaning = rules.meaning(payment)
    if meaning == "declined":
        await moves.payment_failed(
            on, noted.order, noted.error_code, noted.error or "The card was declined.", ts
        )
        if noted.off_session:
            await _try_again(on, noted, retries)
    elif meaning == "action" and noted.off_session:
        await moves.action_required(on, noted.order, ts)
    elif payment.status == "processing":
        await moves.awaiting(on, noted.order, ts)
    return noted


async def _try_again(on: Connection, attempt: Attempt, retries: Retries) -> None:
    made = await on.fetchval(Q.off_session_attempts, attempt.order)
    after_ms = rules.retry_after_ms(made, retries.times, retries.pause_ms)
    if after_ms is not None:
        await enqueue(on, "checkout.charge", OrderJob(attempt.order), after_ms=after_ms)


async def over(
    on: Connection, attempt: Attempt, state: str, code: str, message: str, retries: Retries, ts: int
) -> Attempt:
    """The provider refused the call, or has surely no such payment: another attempt may be made."""
    assert await orders.hold(on, attempt.order), "an attempt has an order, and orders stay"
    row = await on.fetchrow(
        Q.set_attempt, attempt.order, attempt.attempt, state, "", code[:120], message[:500], ts
    )
    if row is not None and state == "refused":
        await moves.payment_failed(on, attempt.order, code, message[:500], ts)
    there = await find(on, attempt.order, attempt.attempt)
    assert there is not None, "attempts stay"
    if row is not None and rules.another_time_may_do(there):
        await _try_again(on, there, retries)
    return there


async def sending(on: Database, attempt: Attempt, ts: int) -> bool:
    """Writes down that the call is made now; False when an answer has come meanwhile."""
    return await on.fetchval(Q.sending, attempt.order, attempt.attempt, ts) is not None


async def not_answered(on: Database, attempt: Attempt, ts: int) -> None:
    """Counts a call that ended without an answer."""
    await on.execute(Q.not_answered, attempt.order, attempt.attempt, ts)


def _attempt(row: Record) -> Attempt:
    return Attempt(
        order=OrderId(row["order_id"]),
        attempt=row["attempt"],
        key=row["key"],
        request=msgspec.convert(row["request"], PaymentRequest),
        provider=row["provider"],
        payment=row["payment"],
        state=row["state"],
        off_session=row["off_session"],
        unknowns=row["unknowns"],
        error_code=row["error_code"],
        error=row["error"],
        created_ts=row["created_ts"],
        asked_ts=row["asked_ts"],
        updated_ts=row["updated_ts"],
    )
