"""By how much a bid must top the visible price: the published tables as data, flat steps, and a seller's own tables.

It does not judge bids (`formats`). A lot pins the table itself, not its name, so that a later release can't change it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.kernel.money import AMOUNT_MAX, decimals

ROWS_MAX = 32
"""Rows of a seller's own table. The longest published one has 11; a longer table is refused."""
NAME_MAX = 32
"""Characters in a table's name as it comes over the wire."""


class Increments(msgspec.Struct, frozen=True):
    """A table in minor units: from `bounds[i]` of the visible price on, the step is `steps[i]`.

    Below the first bound the first step holds.
    """

    name: str
    bounds: tuple[int, ...]
    steps: tuple[int, ...]

    def step(self, price: int) -> int:
        """The step at this price; always 1 or more."""
        row = bisect_right(self.bounds, price) - 1
        return self.steps[max(0, row)]


# (lower bound of the price, step) in hundredths of a currency unit, in the order in which they are published.
TABLES: dict[str, tuple[tuple[int, int], ...]] = {
    # "Bid increments", eBay.com
    "ebay-us": (
        (1, 5),
        (1_00, 25),
        (5_00, 50),
        (25_00, 1_00),
        (100_00, 2_50),
        (250_00, 5_00),
        (500_00, 10_00),
        (1_000_00, 25_00),
        (2_500_00, 50_00),
        (5_000_00, 100_00),
    ),
    # "Bid increments", eBay.co.uk
    "ebay-uk": (
        (1, 5),
        (1_00, 20),
        (5_00, 50),
        (15_00, 1_00),
        (60_00, 2_00),
        (150_00, 5_00),
        (300_00, 10_00),
        (600_00, 20_00),
        (1_500_00, 50_00),
        (3_000_00, 100_00),
    ),
    # As Whatnot publishes for its live auctions
    "live": (
        (1_00, 1_00),
        (30_00, 2_00),
        (50_00, 3_00),
        (100_00, 5_00),
        (300_00, 10_00),
        (1_000_00, 20_00),
        (2_000_00, 50_00),
    ),
}

UNKNOWN = Rejected(
    "unknown_increments",
    f"There is no such increments table. Use {', '.join(TABLES)}, flat:N with N in minor units, or rows of your own.",
    detail={"field": "increments"},
)
BAD_TABLE = Rejected(
    "bad_increments",
    f"An increments table has 1 to {ROWS_MAX} rows [price, step], prices rising from 0 or more, steps of 1 or more.",
    detail={"field": "increments"},
)


def named(name: str, currency: str) -> Increments | Rejected:
    """The table of that name in minor units of `currency`, or `unknown_increments`.

    `flat:N` is N minor units. The published tables count in hundredths; where a currency has thousandths they are
    multiplied by ten, and where it has no decimals a hundredth becomes one unit, as yen and cent are worth alike.
    """
    if name.startswith("flat:"):
        return _flat(name)
    rows = TABLES.get(name)
    if rows is None:
        return UNKNOWN
    factor = 10 if decimals(currency) == 3 else 1
    return Increments(name, tuple(b * factor for b, _ in rows), tuple(s * factor for _, s in rows))


def _flat(name: str) -> Increments | Rejected:
    digits = name.removeprefix("flat:")
    # ASCII only: `int` reads the digits of every script (faults.md, row 22).
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(AMOUNT_MAX))):
        return UNKNOWN
    step = int(digits)
    return Increments(name, (0,), (step,)) if 1 <= step <= AMOUNT_MAX else UNKNOWN


def custom(rows: Sequence[tuple[int, int]]) -> Increments | Rejected:
    """A seller's own table, or `bad_increments`."""
    if not 1 <= len(rows) <= ROWS_MAX:
        return BAD_TABLE
    bounds, steps = tuple(b for b, _ in rows), tuple(s for _, s in rows)
    rising = bounds[0] >= 0 and all(a < b for a, b in pairwise(bounds))
    if not rising or bounds[-1] > AMOUNT_MAX or not all(1 <= s <= AMOUNT_MAX for s in steps):
        return BAD_TABLE
    return Increments("custom", bounds, steps)
