"""A shop's figures: what was paid by day and by show, how many units, the average order, what was given back.

A sale counts on the day (UTC) it was paid; refunds count with the order they are of. Test orders and currencies are never added to others.
"""

import datetime as dt
from collections.abc import Iterable

import msgspec

from liveserver.infra.database import Pool, load_queries
from liveserver.kernel.errors import Rejected

Q = load_queries("storefront.orders")
DAY_MS = 86_400_000
DAYS_MAX = 92
"""A quarter at a time: what one statement reads stays bounded."""
USUAL_DAYS = 30
SHOWS_MAX = 100
"""Shows of one answer, the best ones."""
ROWS_MAX = DAYS_MAX * 40
"""Days by currencies by test or not."""


class Day(msgspec.Struct, frozen=True):
    """What was paid on one day in one currency. Amounts are minor units."""

    day: str
    """`2026-11-21`, in UTC."""
    currency: str
    test: bool
    orders: int
    units: int
    sales: int
    refunded: int


class OfShow(msgspec.Struct, frozen=True):
    """What one show sold; `show` is "" for what was sold outside of shows."""

    show: str
    title: str
    currency: str
    test: bool
    orders: int
    units: int
    sales: int
    refunded: int


class Sum(msgspec.Struct, frozen=True):
    """All of the time in one currency; `average` is of an order."""

    currency: str
    test: bool
    orders: int
    units: int
    sales: int
    refunded: int
    average: int


class Taken(msgspec.Struct, frozen=True):
    """What a shop took lately in one currency, for a glance."""

    currency: str
    test: bool
    orders: int
    sales: int
    refunded: int

    @property
    def average(self) -> int:
        """Of an order."""
        return _average(self.sales, self.orders)


class Figures(msgspec.Struct, frozen=True):
    """A shop's figures from `from_ts` until before `to_ts`, in ms."""

    from_ts: int
    to_ts: int
    days: tuple[Day, ...]
    shows: tuple[OfShow, ...]
    totals: tuple[Sum, ...]


def span_of(from_ts: int | None, to_ts: int | None, now_ts: int) -> tuple[int, int] | Rejected:
    """The time asked for: the last 30 days if not said. `bad_range` when it is empty or longer than `DAYS_MAX` days."""
    end = now_ts + 1 if to_ts is None else to_ts
    start = max(0, end - USUAL_DAYS * DAY_MS) if from_ts is None else from_ts
    if start >= end:
        return Rejected("bad_range", "The time ends before it begins.", detail={"field": "from_ts"})
    if end - start > DAYS_MAX * DAY_MS:
        return Rejected("bad_range", f"At most {DAYS_MAX} days at once.", detail={"field": "from_ts"})
    return start, end


async def figures_of(pool: Pool, seller: str, start: int, end: int) -> Figures:
    """The figures of a shop between two times that `span_of` has judged."""
    days = [
        Day(_named(row["day"]), *list(row.values())[1:])
        for row in await pool.fetch(Q.sales_by_day, seller, start, end, ROWS_MAX)
    ]
    shows = [OfShow(**dict(row)) for row in await pool.fetch(Q.sales_by_show, seller, start, end, SHOWS_MAX)]
    return Figures(start, end, tuple(days), tuple(shows), tuple(_sums(days)))


async def taken_lately(pool: Pool, seller: str, now_ts: int) -> tuple[Taken, ...]:
    """What a shop took in the last 30 days."""
    rows = await pool.fetch(Q.sums_of_seller, seller, now_ts - USUAL_DAYS * DAY_MS)
    return tuple(Taken(**dict(row)) for row in rows)


def _average(sales: int, orders: int) -> int:
    """Half a minor unit upwards."""
    return (2 * sales + orders) // (2 * orders)


def _sums(days: Iterable[Day]) -> list[Sum]:
    sums: dict[tuple[str, bool], list[int]] = {}
    for day in days:
        one = sums.setdefault((day.currency, day.test), [0, 0, 0, 0])
        for at, value in enumerate((day.orders, day.units, day.sales, day.refunded)):
            one[at] += value
    return [
        Sum(currency, test, orders, units, sales, refunded, _average(sales, orders))
        for (currency, test), (orders, units, sales, refunded) in sorted(sums.items())
    ]


def _named(day: int) -> str:
    return dt.datetime.fromtimestamp(day * DAY_MS / 1000, dt.UTC).strftime("%Y-%m-%d")
