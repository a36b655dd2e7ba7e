"""Moves of stock, each inside its caller's transaction: counted, held, sold, given back, taken to a show and back.

Never more than there is: rows are locked before they are judged, and the database's checks judge again. What a show has
taken is sold by the show's own order (the room decides); here it is only written down.
"""

from collections.abc import Mapping

from liveserver.infra.database import Connection, Pool, load_queries
from liveserver.inventory.errors import NOT_HELD, STILL_ON_SHOW, out_of_stock
from liveserver.kernel.errors import Rejected

Q = load_queries("liveserver.inventory")

HELD_MS = 15 * 60_000
"""How long an order may be paid before what it holds goes back."""
EXPIRE_MAX = 100
"""Orders whose time is over that one transaction gives back."""


async def count(connection: Connection, variant: str, stock: int, ts: int) -> None:
    """Somebody has counted: so many are on hand."""
    rows = await connection.fetch(Q.lock_stock, [variant])
    delta = stock - (rows[0]["stock"] if rows else 0)
    if delta:
        await _move(connection, {variant: delta}, "counted", "", ts)


async def reserve(
    connection: Connection, holder: str, wanted: Mapping[str, int], until_ts: int, ts: int
) -> Rejected | None:
    """Holds all of it for an order, or nothing: `out_of_stock` names the first variant that is short."""
    assert wanted, "an order holds something"
    short = await connection.fetchrow(Q.reserve, holder, list(wanted), list(wanted.values()), until_ts, ts)
    return None if short is None else out_of_stock(short["variant"], short["stock"])


async def extend(connection: Connection, holder: str, until_ts: int) -> Rejected | None:
    """Holds it longer, for it is being paid just now. `reservation_over` when it went back already."""
    held = await connection.fetch(Q.extend_reservations, holder, until_ts)
    return None if held else NOT_HELD


async def sell(connection: Connection, holder: str) -> Rejected | None:
    """What the order holds is paid. `reservation_over` when it went back before."""
    held = await connection.fetch(Q.held, holder)
    await connection.execute(Q.end_reservations, holder, "sold")
    return None if held else NOT_HELD


async def give_back(connection: Connection, holder: str, reason: str, ts: int) -> dict[str, int]:
    """What the order held is on hand again (`expired` or `cancelled`); what that was. Nothing the second time."""
    held = {row["variant"]: row["quantity"] for row in await connection.fetch(Q.held, holder)}
    if held:
        await connection.execute(Q.end_reservations, holder, "given_back")
        await _move(connection, held, reason, holder, ts)
    return held


async def overdue(connection: Connection, now_ts: int) -> list[str]:
    """Orders that were not paid in time and hold something; locked for this transaction."""
    rows = await connection.fetch(Q.overdue, now_ts, EXPIRE_MAX)
    return list(dict.fromkeys(row["holder"] for row in rows))


async def put_back(connection: Connection, order: str, returned: Mapping[str, int], ts: int) -> None:
    """Goods came back from a buyer and can be sold again."""
    await _move(connection, returned, "returned", order, ts)


async def allot(connection: Connection, show: str, variant: str, quantity: int, ts: int) -> Rejected | None:
    """Takes so many along to a show (or back from it, if negative). `out_of_stock`, `allotment_sold`."""
    rows = await connection.fetch(Q.lock_stock, [variant])
    stock = rows[0]["stock"] if rows else 0
    if quantity > stock:
        return out_of_stock(variant, stock)
    row = await connection.fetchrow(Q.lock_allotment, show, variant)
    if quantity < 0:
        left = 0 if row is None else row["given"] - row["sold"] - row["returned"]
        if -quantity > left:
            return STILL_ON_SHOW
        await connection.execute(Q.take_back, show, variant, -quantity)
        await _move(connection, {variant: -quantity}, "unsold", show, ts)
    elif quantity:
        await connection.execute(Q.put_allotment, show, variant, quantity)
        await _move(connection, {variant: -quantity}, "allotted", show, ts)
    return None


async def sold_in_show(connection: Connection, show: str, object: str, variant: str, quantity: int) -> bool:
    """The room has sold these (`object`: the lot or claim). False when that was told before.

    Raises CheckViolationError when the show did not have them: the room and its allotment contradict each other.
    """
    if await connection.fetchval(Q.add_allotment_sale, show, object, variant, quantity) is None:
        return False
    await connection.execute(Q.sell_allotted, show, variant, quantity)
    return True


async def end_show(connection: Connection, show: str, ts: int) -> dict[str, int]:
    """The show's end is recorded: what it did not sell is on hand again. What that was; nothing the second time."""
    unsold = {row["variant"]: row["remaining"] for row in await connection.fetch(Q.unsold, show)}
    for variant, remaining in unsold.items():
        await connection.execute(Q.take_back, show, variant, remaining)
    if unsold:
        await _move(connection, unsold, "unsold", show, ts)
    return unsold


async def stock_apart(on: Pool | Connection) -> list[str]:
    """Variants whose stock is not the sum of their events, in words; empty when all is well."""
    return [
        f"{row['id']} has {row['stock']} on hand, its events say {row['total']}"
        for row in await on.fetch(Q.stock_apart)
    ]


async def _move(connection: Connection, deltas: Mapping[str, int], reason: str, object: str, ts: int) -> None:
    # In one order: the trigger locks each variant as it comes, and two orders must not wait for each other in a circle.
    variants = sorted(deltas)
    await connection.execute(
        Q.add_events, variants, [deltas[variant] for variant in variants], reason, object, ts
    )
