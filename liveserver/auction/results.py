"""Results of lots in PostgreSQL: a row per lot, for pages that list what was sold. It decides nothing and moves no money."""

from typing import Any, Literal

import msgspec

from liveserver.infra.database import Connection, Pool, Record, load_queries

QUERIES = load_queries("liveserver.auction")
READ_MAX = 500
"""Lots read at once; as many as a show's queue holds."""


class LotResult(msgspec.Struct):
    """A lot as the record has it. `winner` is who leads until it is sold; `closed_ts` is set once it is sold or passed."""

    show: str
    id: str
    product: str | None
    title: str
    picture: str
    format: str
    currency: str
    start: int
    status: Literal["open", "closing", "hammered", "sold", "passed"]
    reason: str
    price: int | None
    bids: int
    winner: str | None
    alias: str
    public: str
    head: str
    opened_ts: int
    closed_ts: int | None
    seq: int
    """The last fact taken in."""


def _result(row: Record) -> LotResult:
    values: dict[str, Any] = dict(row)
    return LotResult(**values)


async def find(on: Pool | Connection, show: str, lot: str) -> LotResult | None:
    """One lot, or None."""
    row = await on.fetchrow(QUERIES.find_lot, show, lot)
    return None if row is None else _result(row)


async def of_show(on: Pool | Connection, show: str, limit: int = READ_MAX) -> list[LotResult]:
    """A show's lots in the order in which they were opened, `READ_MAX` at most."""
    rows = await on.fetch(QUERIES.lots_of_show, show, min(limit, READ_MAX))
    return [_result(row) for row in rows]


async def won_by(on: Pool | Connection, user: str, limit: int = READ_MAX) -> list[LotResult]:
    """What somebody won, the latest first, `READ_MAX` at most."""
    rows = await on.fetch(QUERIES.lots_won, user, min(limit, READ_MAX))
    return [_result(row) for row in rows]


async def insert(connection: Connection, result: LotResult) -> None:
    """Adds an opened lot. One that is there stays as it is."""
    await connection.execute(
        QUERIES.open_lot,
        result.show,
        result.id,
        result.product,
        result.title,
        result.picture,
        result.format,
        result.currency,
        result.start,
        result.head,
        result.opened_ts,
        result.seq,
    )


async def move(connection: Connection, result: LotResult) -> None:
    """Writes where a lot stands, unless newer facts were taken in already."""
    await connection.execute(
        QUERIES.move_lot,
        result.show,
        result.id,
        result.status,
        result.reason,
        result.price,
        result.bids,
        result.winner,
        result.alias,
        result.public,
        result.head,
        result.closed_ts,
        result.seq,
    )
