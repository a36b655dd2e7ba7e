"""`liveserver replay`: recorded bids through the real room, each auction as the one lot of a show on a virtual clock.

Nothing is simplified for it: bids are commands in a log, the room's features decide, and the lot closes by its clock. It
needs no engines. What recorded bids can't say (reserves, retractions) it does not guess.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from liveserver.auction import increments as tables
from liveserver.auction.clock import PRESETS
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import Increments
from liveserver.auction.model import LotSold, PlaceBid, Terms
from liveserver.cli.bidfile import Bid, read_bids
from liveserver.cli.features import FEATURES
from liveserver.cli.say import warn
from liveserver.kernel.errors import Mendable, Rejected
from liveserver.kernel.money import decimals
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Start
from liveserver.rooms.model import Actor, Verdict
from liveserver.rooms.room import Applied
from liveserver.rooms.virtual import VirtualLog

AFTER_LAST_BID_MS = 3_600_000
"""The file does not say when an auction ended; its clock ends this long after the last bid."""
LOT = "lot"
_HOST = Actor("host", "Host", "host")


class Result(msgspec.Struct, frozen=True):
    """What an auction came to. `price` and `winner` are None when nobody won; `bids` counts the accepted ones."""

    auctionid: str
    price: int | None
    winner: str | None
    bids: int
    rejected: dict[str, int]


def run(file: str, increments: str, currency: str, form: str) -> None:
    """Prints a result per auction. Raises Mendable for a damaged file, an unknown table or currency."""
    currency = currency.upper()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Mendable(f"{currency!r} is no currency", "--currency", "Use its ISO 4217 code, such as USD.")
    table = tables.named(increments, currency)
    if isinstance(table, Rejected):
        raise Mendable(f"{increments!r}: {table.message}", "--increments", "Try --increments ebay-us.")
    auctions = read_bids(Path(file), currency)
    for auction, bids in auctions.items():
        if any(bid.opening != bids[0].opening for bid in bids):
            warn(
                f"auction {auction}: openbid differs between its bids; the lot opens with that of the earliest"
            )
    results = (replay(auction, bids, table, currency) for auction, bids in auctions.items())
    if form == "json":
        for result in results:
            click.echo(json.dumps(msgspec.to_builtins(result), separators=(",", ":"), ensure_ascii=False))
    else:
        for line in as_table(list(results), currency):
            click.echo(line)


def replay(auction: str, bids: Sequence[Bid], table: Increments, currency: str) -> Result:
    """Runs one auction: `bids` in the order of their times."""
    sold: list[LotSold] = []

    def hear(applied: Applied) -> None:
        sold.extend(fact for _, fact in applied.facts if isinstance(fact, LotSold))

    show = f"replay:{auction}"
    log = VirtualLog(show, FEATURES, on_applied=hear)
    start_ms = log.now_ms
    lasts_ms = bids[-1].at_ms + AFTER_LAST_BID_MS
    # The recorded auctions ended by the clock, whatever was bid: no extension. A bid is not asked to be confirmed: the
    # person who placed it meant it.
    timing = msgspec.structs.replace(
        PRESETS["timed"], duration_ms=lasts_ms, window_ms=0, extend_ms=0, hard_ms=lasts_ms, allowance_max_ms=0
    )
    rules = Rules(start=max(1, bids[0].opening), reserve=None, exact=False, increments=table)
    terms = Terms(
        lot=LOT, show=show, title=auction, currency=currency, rules=rules, timing=timing, confirm_times=0
    )
    _must(log.tell(command("show:start", _HOST, Start())))
    _must(log.tell(command("lot:open", _HOST, terms)))
    accepted, rejected = 0, Counter[str]()
    for bid in bids:
        log.wait_until(start_ms + bid.at_ms)
        bidder = Actor(bid.bidder, bid.bidder, "viewer")
        verdict = log.tell(command("bid:place", bidder, PlaceBid(LOT, bid.amount)))
        if isinstance(verdict, Rejected):
            rejected[verdict.code] += 1
        else:
            accepted += 1
    log.wait_until_quiet()
    price, winner = (sold[0].price, sold[0].winner) if sold else (None, None)
    return Result(auction, price, winner, accepted, dict(sorted(rejected.items())))


def _must(verdict: Verdict) -> None:
    assert not isinstance(verdict, Rejected), f"the host of a replay may do this: {verdict}"


def as_table(results: Sequence[Result], currency: str) -> Iterator[str]:
    """The results for people: aligned, with amounts as one writes them, and a line of totals."""
    rows: list[Sequence[str]] = [("auction", "price", "winner", "bids", "rejected")]
    places = decimals(currency)
    for result in results:
        price = "-" if result.price is None else f"{_decimal(result.price, places)} {currency}"
        refused = ", ".join(f"{code} {n}" for code, n in result.rejected.items())
        rows.append((result.auctionid, price, result.winner or "-", str(result.bids), refused or "-"))
    wide = [max(len(row[i]) for row in rows) for i in range(5)]
    for number, (auction, price, winner, bids, refused) in enumerate(rows):
        yield f"{auction:<{wide[0]}}  {price:>{wide[1]}}  {winner:<{wide[2]}}  {bids:>{wide[3]}}  {refused}".rstrip()
        if number == 0:
            yield "  ".join("─" * width for width in wide[:4]) + "  " + "─" * 8
    yield ""
    yield _totals(results)


def _totals(results: Sequence[Result]) -> str:
    rejected = Counter[str]()
    for result in results:
        rejected.update(result.rejected)
    sold = sum(result.price is not None for result in results)
    refused = ", ".join(f"{n} {code}" for code, n in rejected.most_common())
    accepted = sum(result.bids for result in results)
    return (
        f"{len(results)} auctions, {sold} sold; {accepted} bids accepted, {rejected.total()} refused"
        f"{f' ({refused})' if refused else ''}"
    )


def _decimal(amount: int, places: int) -> str:
    if places == 0:
        return str(amount)
    return f"{amount // 10**places}.{amount % 10**places:0{places}}"
