"""Orders as rows: statements of `queries.sql`, typed on both sides. It decides nothing."""

from collections.abc import Sequence

import msgspec

from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor
from liveserver.ledger.model import Rates, Refunds
from liveserver.orders.model import (
    Address,
    Dispute,
    DisputeId,
    Happening,
    Line,
    Order,
    Refund,
    RefundId,
    State,
    TaxLine,
)

Q = load_queries("liveserver.orders")
Database = Pool | Connection

HISTORY_MAX = 500
"""Lines of one order's history that are shown; an order has a dozen."""
REFUNDS_MAX = 200
"""Refunds of one order that are shown."""
EVER = 2**53 - 1
"""A time after all times."""


class Sought(msgspec.Struct, frozen=True):
    """Which orders of a list. Empty fields ask for nothing."""

    states: tuple[State, ...] = ()
    show: str = ""
    since_ts: int = 0
    until_ts: int = EVER
    text: str = ""
    """A number, or a part of the buyer's name or of a title."""


ALL = Sought()


class ShowSums(msgspec.Struct, frozen=True):
    """What a show has sold in one currency, goods only: paid, and still to be paid."""

    currency: str
    orders: int
    paid: int
    waiting: int


async def hold(on: Connection, order: str) -> bool:
    """Holds an order still until the transaction ends; False when there is none."""
    return await on.fetchval(Q.lock_order, order) is not None


async def lock(on: Connection, order: str) -> Order | None:
    """The order, held still until the transaction ends."""
    return await find(on, order) if await hold(on, order) else None


async def find(on: Database, order: str) -> Order | None:
    """An order by its id."""
    return next(iter(await several(on, [order])), None)


async def several(on: Database, orders: Sequence[str]) -> list[Order]:
    """Those that exist, the newest first."""
    return [_order(row) for row in await on.fetch(Q.find_orders, list(orders))] if orders else []


async def by_origin(on: Database, origin: str) -> Order | None:
    """The order that came from a lot, a claim or a checkout."""
    found = await on.fetchval(Q.id_of_origin, origin)
    return None if found is None else await find(on, found)


async def by_charge(on: Database, charge: str) -> Order | None:
    """The order that a charge paid."""
    found = await on.fetchval(Q.id_of_charge, charge) if charge else None
    return None if found is None else await find(on, found)


async def of_buyer(
    on: Database, buyer: str, sought: Sought = ALL, cursor: str | None = None, limit: int = 20
) -> Page[Order] | Rejected:
    """Somebody's orders, the newest first. `bad_cursor`."""
    return await _listed(on, buyer, None, sought, cursor, limit)


async def of_seller(
    on: Database, seller: str, sought: Sought = ALL, cursor: str | None = None, limit: int = 20
) -> Page[Order] | Rejected:
    """What somebody sold, the newest first. `bad_cursor`."""
    return await _listed(on, None, seller, sought, cursor, limit)


async def _listed(
    on: Database, buyer: str | None, seller: str | None, sought: Sought, cursor: str | None, limit: int
) -> Page[Order] | Rejected:
    after = read_cursor(cursor, tuple[int]) if cursor else (EVER,)
    if isinstance(after, Rejected):
        return after
    limit = page_limit(limit)
    rows = await on.fetch(
        Q.list_orders,
        buyer,
        seller,
        after[0],
        list(sought.states),
        sought.show,
        sought.since_ts,
        sought.until_ts,
        sought.text.strip(),
        limit + 1,
    )
    items = tuple(await several(on, [row["id"] for row in rows[:limit]]))
    return Page(items, write_cursor(items[-1].number) if len(rows) > limit else None)


async def history(on: Database, order: str) -> list[Happening]:
    """All that happened to an order, in order."""
    rows = await on.fetch(Q.history, order, HISTORY_MAX)
    return [msgspec.convert(dict(row), Happening) for row in rows]


async def find_refund(on: Database, refund: str) -> Refund | None:
    """A refund by our own id."""
    row = await on.fetchrow(Q.find_refund, refund)
    return None if row is None else _refund(row)


async def refund_called(on: Database, reference: str) -> Refund | None:
    """A refund by the provider's name for it."""
    found = await on.fetchval(Q.id_of_reference, reference) if reference else None
    return None if found is None else await find_refund(on, found)


async def refunds_of(on: Database, order: str) -> list[Refund]:
    """An order's refunds, the oldest first."""
    return [_refund(row) for row in await on.fetch(Q.refunds_of, order, REFUNDS_MAX)]


async def find_dispute(on: Database, dispute: str) -> Dispute | None:
    """A dispute by the provider's name for it."""
    row = await on.fetchrow(Q.find_dispute, dispute)
    return None if row is None else _dispute(row)


async def disputes_of(on: Database, order: str) -> list[Dispute]:
    """An order's disputes, the oldest first."""
    return [_dispute(row) for row in await on.fetch(Q.disputes_of, order, REFUNDS_MAX)]


async def unpaid_of(on: Database, buyer: str, currency: str) -> tuple[int, int]:
    """What somebody has open to pay: how many orders, how much in that currency."""
    row = await on.fetchrow(Q.unpaid_of, buyer, currency)
    assert row is not None, "an aggregate has a row"
    return row["orders"], row["total"]


async def defaults_of(on: Database, buyer: str, since_ts: int) -> int:
    """How often somebody won or claimed something since then and did not pay in time."""
    return await on.fetchval(Q.defaults_of, buyer, since_ts)


async def sums_of_show(on: Database, show: str, seller: str) -> list[ShowSums]:
    """What a show has sold so far."""
    return [ShowSums(**dict(row)) for row in await on.fetch(Q.sums_of_show, show, seller)]


def _order(row: Record) -> Order:
    return Order(
        id=OrderId(row["id"]),
        number=row["number"],
        origin=row["origin"],
        source=row["source"],
        buyer=UserId(row["buyer"]),
        buyer_name=row["buyer_name"],
        buyer_email=row["buyer_email"],
        seller=UserId(row["seller"]),
        seller_name=row["seller_name"],
        show=row["show"],
        currency=row["currency"],
        lines=msgspec.convert(row["lines"], tuple[Line, ...]),
        coupon=row["coupon"],
        item=row["item"],
        shipping=row["shipping"],
        shipping_method=row["shipping_method"],
        taxes=msgspec.convert(row["taxes"], tuple[TaxLine, ...]),
        tax=row["tax"],
        commission=row["commission"],
        processing=row["processing"],
        rates=msgspec.convert(row["rates"], Rates),
        address=None if row["address"] is None else msgspec.convert(row["address"], Address),
        state=row["state"],
        dispute=row["dispute"],
        funds=row["funds"],
        charge=row["charge"],
        payment=row["payment"],
        refunded=Refunds(row["refunded_item"], row["refunded_shipping"], row["refunded_tax"]),
        lost=Refunds(row["lost_item"], row["lost_shipping"], row["lost_tax"]),
        defaulted=row["defaulted"],
        test=row["test"],
        carrier=row["carrier"],
        tracking=row["tracking"],
        due_ts=row["due_ts"],
        created_ts=row["created_ts"],
        paid_ts=row["paid_ts"],
        shipped_ts=row["shipped_ts"],
        delivered_ts=row["delivered_ts"],
        completed_ts=row["completed_ts"],
        cancelled_ts=row["cancelled_ts"],
    )


def _refund(row: Record) -> Refund:
    parts = Refunds(row["item"], row["shipping"], row["tax"])
    return Refund(
        id=RefundId(row["id"]),
        order=OrderId(row["order_id"]),
        charge=row["charge"],
        currency=row["currency"],
        amount=parts.total,
        parts=parts,
        reason=row["reason"],
        actor=row["actor"],
        status=row["status"],
        reference=row["reference"],
        error=row["error"],
        created_ts=row["created_ts"],
        settled_ts=row["settled_ts"],
    )


def _dispute(row: Record) -> Dispute:
    return Dispute(
        id=DisputeId(row["id"]),
        order=OrderId(row["order_id"]),
        amount=row["amount"],
        fee=row["fee"],
        reason=row["reason"],
        status=row["status"],
        opened_ts=row["opened_ts"],
        closed_ts=row["closed_ts"],
    )
