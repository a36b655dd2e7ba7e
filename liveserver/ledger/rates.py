"""What is kept of a sale: commission by seller and category, processing by currency; and who changed which rate when.

A change counts from now on: orders keep the figures that they were placed with. Rates are only ever added to, so that the
history is the table itself. Who may change them is the caller's to check.
"""

from collections.abc import Mapping, Sequence

import msgspec

from liveserver.config.settings import PaymentSettings
from liveserver.infra.database import Connection, Pool
from liveserver.kernel.errors import Rejected
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor
from liveserver.kernel.text import clean_line
from liveserver.ledger.model import Rates
from liveserver.ledger.store import NEWEST, Q

COMMISSION_MAX_BP = 10_000
"""All of it."""
NOTE_LENGTH_MAX = 200
RATES_MAX = 500
"""Rates of their own that are listed and may be at the same time: a page that people can still read."""

RATE_OF_NOTHING = Rejected(
    "rate_of_nothing", "Say for which seller or category the rate is.", detail={"field": "seller"}
)
RATE_UNFIT = Rejected("rate_unfit", "A rate is between 0 and 100 percent.", detail={"field": "commission_bp"})
NOTE_UNFIT = Rejected("note_unfit", "A note has at most 200 characters.", detail={"field": "note"})
RATE_THERE = Rejected("rate_unchanged", "This is the rate already.", detail={"field": "commission_bp"})
RATES_FULL = Rejected("rates_full", "There are too many rates of their own. End one first.")


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One commission, from when on, and by whom."""

    id: int
    seller: str
    """"" for all sellers."""
    category: str
    """"" for all categories."""
    commission_bp: int | None
    """Basis points; None: no rate of its own any more."""
    note: str
    actor: str
    from_ts: int


class SaleRates(msgspec.Struct, frozen=True):
    """What counts for one sale: the seller's own rates, and the commission of those categories that have another."""

    rates: Rates
    by_category: Mapping[str, int]

    def commission_bp(self, category: str) -> int | None:
        """For `Line.commission_bp`: None where the order's own rate counts."""
        return self.by_category.get(category)


def default_rates(settings: PaymentSettings, currency: str) -> Rates:
    """Without any rate of their own. The fixed part is minor units of the currency, its own where the settings name one."""
    fixed = dict(entry.split("=", 1) for entry in settings.processing_fixed_by_currency)
    return Rates(
        commission_bp=settings.commission_bp,
        processing_bp=settings.processing_bp,
        processing_fixed=int(fixed.get(currency, settings.processing_fixed)),
    )


async def of_sale(
    on: Pool | Connection, seller: str, categories: Sequence[str], defaults: Rates
) -> SaleRates:
    """The rates of a sale of these categories. The most specific wins: seller and category, seller, category, default."""
    rows = await on.fetch(Q.rates_of_sale, seller, sorted({"", *categories}))
    known = {(row["seller"], row["category"]): row["commission_bp"] for row in rows}
    own: int | None = known.get((seller, ""))
    by_category: dict[str, int] = {}
    for category in categories:
        for owner in (seller, "") if own is None else (seller,):
            found = known.get((owner, category)) if category else None
            if found is not None:
                by_category[category] = found
                break
    rates = defaults if own is None else msgspec.structs.replace(defaults, commission_bp=own)
    return SaleRates(rates, by_category)


async def change(
    on: Connection, actor: str, seller: str, category: str, commission_bp: int | None, note: str, ts: int
) -> Rate | Rejected:
    """From now on this rate counts; None ends a rate of its own. In the caller's transaction.

    Refusals: `rate_of_nothing`, `rate_unfit`, `note_unfit`, `rate_unchanged`, `rates_full`.
    """
    if not seller and not category:
        return RATE_OF_NOTHING
    if commission_bp is not None and not 0 <= commission_bp <= COMMISSION_MAX_BP:
        return RATE_UNFIT
    said = clean_line(note, NOTE_LENGTH_MAX)
    if said is None:
        return NOTE_UNFIT
    # One after the other: the history says of each change what it changed.
    await on.execute(Q.lock_rates)
    before = await on.fetchrow(Q.newest_rate, seller, category)
    if (None if before is None else before["commission_bp"]) == commission_bp:
        return RATE_THERE
    if commission_bp is not None and await on.fetchval(Q.count_rates) >= RATES_MAX:
        return RATES_FULL
    row = await on.fetchrow(Q.add_rate, seller, category, commission_bp, said, actor, ts)
    assert row is not None, "an insert returns its row"
    return Rate(**dict(row))


async def current(on: Pool | Connection) -> list[Rate]:
    """The rates that count now, by seller and category."""
    return [Rate(**dict(row)) for row in await on.fetch(Q.current_rates, RATES_MAX)]


async def history(on: Pool | Connection, cursor: str | None = None, limit: int = 50) -> Page[Rate] | Rejected:
    """Every change, the newest first. `bad_cursor`."""
    before = read_cursor(cursor, tuple[int]) if cursor else (NEWEST,)
    if isinstance(before, Rejected):
        return before
    limit = page_limit(limit)
    rows = [Rate(**dict(row)) for row in await on.fetch(Q.rate_history, before[0], limit + 1)]
    shown = rows[:limit]
    return Page(tuple(shown), write_cursor(shown[-1].id) if len(rows) > limit else None)
