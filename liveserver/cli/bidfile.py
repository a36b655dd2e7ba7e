"""Reads files of recorded bids: CSV with auctionid, bid, bidtime, bidder, openbid. It runs no auction (`replay` does).

Damaged rows are refused with their line numbers, all that fit on a screen at once, before anything is run.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from liveserver.kernel.errors import Mendable
from liveserver.kernel.money import parse_amount

COLUMNS = ("auctionid", "bid", "bidtime", "bidder", "openbid")
ROWS_MAX = 1_000_000
"""Most bids in one file: they are sorted in memory."""
NAME_CHARACTERS_MAX = 200
"""Longest id of an auction or a bidder."""
DAYS_MAX = 29
"""Latest bid: a lot runs for 30 days at most."""
TOLD_MAX = 10
"""Damaged rows that are listed; the rest is counted."""
_DAY_MS = 86_400_000
_FIELD_CHARACTERS_MAX = 10_000

csv.field_size_limit(_FIELD_CHARACTERS_MAX)


class Bid(msgspec.Struct, frozen=True):
    """One row. Amounts are in minor units, `at_ms` counts from the auction's start."""

    line: int
    auction: str
    bidder: str
    amount: int
    at_ms: int
    days: Decimal
    """As given: two bids within one millisecond still have their order."""
    opening: int


def read_bids(path: Path, currency: str) -> dict[str, list[Bid]]:
    """The bids of each auction in the order of their times, of two at one instant the higher first; auctions as in the file.

    Raises Mendable that names the damaged lines.
    """
    found: dict[str, list[Bid]] = {}
    damage: list[str] = []
    rows = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            for line, row in _rows(stream, path):
                rows += 1
                if rows > ROWS_MAX:
                    raise Mendable(f"More than {ROWS_MAX} bids", str(path), "Split the file by auction.")
                try:
                    bid = _bid(line, row, currency)
                    found.setdefault(bid.auction, []).append(bid)
                except ValueError as error:
                    damage.append(f"line {line}: {error}")
    except UnicodeDecodeError as error:
        raise Mendable(
            f"The file is not UTF-8 (byte {error.start})", str(path), "Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise Mendable(
            f"The file is no CSV: {error}", str(path), "Use commas, and quotes as in RFC 4180."
        ) from error
    except OSError as error:
        raise Mendable(
            f"The file can't be read: {error.strerror}", str(path), "Check path and rights."
        ) from error
    if damage:
        more = f"\n  … and {len(damage) - TOLD_MAX} more" if len(damage) > TOLD_MAX else ""
        listed = "\n  ".join(damage[:TOLD_MAX])
        raise Mendable(
            f"{len(damage)} of {rows} rows are damaged:\n  {listed}{more}",
            str(path),
            "Correct or remove these lines.",
        )
    for bids in found.values():
        # A file of recorded, that is accepted, bids does not say which of two at one instant came first. Behind the higher
        # one the lower may still have been accepted (rule 4 lifts the price only up to it); behind the lower one the
        # higher may have been under the next minimum. Of the real bids (facts.md) this decides one auction of 412.
        bids.sort(key=lambda bid: (bid.days, -bid.amount))
    return found


def _rows(stream: Iterator[str], path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(stream, strict=True)
    header = [name.strip().lower() for name in next(reader, list[str]())]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise Mendable(
            f"The first line names no column {', '.join(missing)}",
            str(path),
            f"It must name {', '.join(COLUMNS)}.",
        )
    at = {name: header.index(name) for name in COLUMNS}
    for cells in reader:
        if not cells:
            continue  # an empty line, as editors leave at the end
        yield reader.line_num, {name: cells[i].strip() if i < len(cells) else "" for name, i in at.items()}


def _bid(line: int, row: dict[str, str], currency: str) -> Bid:
    for name in COLUMNS:
        if not row[name]:
            raise ValueError(f"{name} is empty")
    for name in ("auctionid", "bidder"):
        if len(row[name]) > NAME_CHARACTERS_MAX:
            raise ValueError(f"{name} is longer than {NAME_CHARACTERS_MAX} characters")
    days = _days(row["bidtime"])
    return Bid(
        line,
        row["auctionid"],
        row["bidder"],
        _amount("bid", row["bid"], currency),
        int(days * _DAY_MS),
        days,
        _amount("openbid", row["openbid"], currency),
    )


def _amount(name: str, text: str, currency: str) -> int:
    try:
        return parse_amount(text, currency)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _days(text: str) -> Decimal:
    try:
        days = Decimal(text) if len(text) <= 32 else Decimal("NaN")
    except InvalidOperation:
        days = Decimal("NaN")
    if not days.is_finite() or not 0 <= days <= DAYS_MAX:
        raise ValueError(f"bidtime {text[:40]!r} is no number of days from 0 to {DAYS_MAX}")
    return days
