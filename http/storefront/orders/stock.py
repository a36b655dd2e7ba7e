"""What happened to the stock of a product: counts, what orders hold and give back, what shows take along and bring home.

It reads only; the events are the inventory's.
"""

from typing import Literal

import msgspec

from liveserver.infra.database import Pool, load_queries
from liveserver.kernel.errors import Rejected
from liveserver.kernel.pages import INT64_MAX, Page, page_limit, read_cursor, write_cursor

Q = load_queries("storefront.orders")

Reason = Literal["counted", "reserved", "expired", "cancelled", "allotted", "unsold", "returned"]


class StockEvent(msgspec.Struct, frozen=True):
    """One change of a variant's stock."""

    id: int
    variant: str
    sku: str
    delta: int
    reason: Reason
    """`counted`: by its seller; `reserved`: for an order; `expired`, `cancelled`: given back by it; `returned`: by its buyer;
    `allotted`: taken along to a show; `unsold`: brought back from it."""
    object: str
    """The order or show; "" for counts."""
    ts: int


async def stock_of(pool: Pool, product: str, cursor: str | None, limit: int) -> Page[StockEvent] | Rejected:
    """A product's events, the latest first. `bad_cursor`. Whose product it is has been checked."""
    after = read_cursor(cursor, tuple[int]) if cursor else (INT64_MAX,)
    if isinstance(after, Rejected):
        return after
    limit = page_limit(limit)
    rows = await pool.fetch(Q.stock_of_product, product, after[0], limit + 1)
    items = tuple(StockEvent(**dict(row)) for row in rows[:limit])
    return Page(items, write_cursor(items[-1].id) if len(rows) > limit else None)
