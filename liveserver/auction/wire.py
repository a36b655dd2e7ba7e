"""The messages of auctions as people send them, and how each becomes a command for the room.

What needs records or may differ between releases is settled here, before the log: products, queued lots, increments tables,
clock presets. Whether the command is allowed then is the room's to decide.
"""

from collections.abc import Awaitable
from typing import Annotated

from msgspec import Meta, Struct

from liveserver.auction import clock as clocks
from liveserver.auction import increments as tables
from liveserver.auction import model as m
from liveserver.auction.formats import pinned
from liveserver.auction.formats.english import Rules
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_PATTERN, LotId, ProductId, new_id
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.rooms.edge import HOSTS_ONLY, SIGNED_IN, Edge, KnownId, Route, Settled

TITLE_MAX = 120
PICTURE_MAX = 500
TOKEN_MAX = 64
LIMIT_TIMES_MAX = 1_000_000

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Amount = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
Millis = Annotated[int, Meta(ge=0, le=clocks.HARD_MAX_MS)]
Row = tuple[Annotated[int, Meta(ge=0, le=AMOUNT_MAX)], Amount]


class ClockChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """A preset, settings of one's own, or a preset with some of its settings changed."""

    preset: Annotated[str, Meta(max_length=32)] = "live"
    duration_ms: Millis | None = None
    window_ms: Millis | None = None
    extend_ms: Millis | None = None
    hard_ms: Millis | None = None
    hammer_ms: Millis | None = None
    call_gap_ms: Millis | None = None


class LotOpen(Struct, frozen=True):
    """`lot:open`: a queued `lot`, or a `product`, or a `title` alone. What is given here wins over the queue's entry."""

    show: KnownId
    lot: Id | None = None
    product: Id | None = None
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_MAX)] | None = None
    picture: Annotated[str, Meta(max_length=PICTURE_MAX)] | None = None
    start: Amount | None = None
    reserve: Amount | None = None
    format: Annotated[str, Meta(max_length=32)] | None = None
    exact: bool | None = None
    increments: (
        Annotated[str, Meta(max_length=tables.NAME_MAX)]
        | Annotated[list[Row], Meta(min_length=1, max_length=tables.ROWS_MAX)]
        | None
    ) = None
    clock: ClockChoice | None = None
    confirm_times: Annotated[int, Meta(ge=0, le=LIMIT_TIMES_MAX)] | None = None
    limit: Amount | None = None


class BidPlace(Struct, frozen=True):
    """`bid:place`: `amount` is the bidder's maximum, or with `exact` (or on an exact lot) the price itself.

    `confirm` is the token of an earlier `confirm_bid`.
    """

    show: KnownId
    lot: KnownId
    amount: Amount
    exact: bool = False
    confirm: Annotated[str, Meta(max_length=TOKEN_MAX)] = ""


class LotAct(Struct, frozen=True):
    """`lot:call`, `lot:close`, `lot:pass`."""

    show: KnownId
    lot: Id


class LotExtend(Struct, frozen=True):
    """`lot:extend`: `by_ms` more, up to the lot's hard end."""

    show: KnownId
    lot: Id
    by_ms: Annotated[int, Meta(ge=1_000, le=clocks.DAY_MS)] = 10_000


class LotVoid(Struct, frozen=True):
    """`lot:void`: `reason` is shown to everybody and kept."""

    show: KnownId
    lot: Id
    user: Id
    reason: Annotated[str, Meta(min_length=1, max_length=m.REASON_MAX)]


class Defaults(Struct, frozen=True):
    """What a lot pins where neither its message nor its preset says otherwise; the server's settings."""

    hammer_ms: int = clocks.HAMMER_MS
    call_gap_ms: int = clocks.CALL_GAP_MS
    confirm_times: int = m.CONFIRM_TIMES


NO_PRODUCT = Rejected("no_such_product", "There is no such product in this host's catalog.")
NO_LOT = Rejected("no_such_lot", "There is no such lot in this show's queue.", detail={"field": "lot"})
LOT_KNOWN = Rejected("lot_known", "This lot was opened already.")
NO_TITLE = Rejected(
    "field_missing", "A lot needs a title, a product or a queued lot.", detail={"field": "title"}
)
NO_START = Rejected("field_missing", "A lot needs a start price.", detail={"field": "start"})
OTHER_CURRENCY = Rejected("currency_mismatch", "The product is priced in another currency than the show's.")


class _Offer(Struct, frozen=True):
    """What is sold, from whichever record it was found in."""

    lot: str
    title: str
    picture: str = ""
    product: str | None = None
    seller: str = ""


async def _open(defaults: Defaults, payload: LotOpen, edge: Edge) -> Settled:
    """Refusals: those of the records above, of increments and clock, and `out_of_stock`."""
    if payload.lot is not None:
        found = await _from_queue(payload, edge)
        if isinstance(found, Rejected):
            return found
        payload = found
    offer = await _offer(payload, edge)
    if isinstance(offer, Rejected):
        return offer
    if payload.start is None:
        return NO_START
    currency = edge.show.currency
    chosen = payload.increments if payload.increments is not None else "live"
    table = tables.named(chosen, currency) if isinstance(chosen, str) else tables.custom(chosen)
    if isinstance(table, Rejected):
        return table
    timing = _timing(payload.clock or ClockChoice(), defaults)
    if isinstance(timing, Rejected):
        return timing
    format = payload.format or "english"
    version = pinned(format, edge.offers.withheld)
    if isinstance(version, Rejected):
        return version
    lot = offer.lot
    if offer.product is not None:
        # Last, for it takes stock along. Without a queued lot it may name one that was refused before: its stock is there already.
        taken = await edge.shows.take_for_lot(
            edge.show.id, LotId(offer.lot), ProductId(offer.product), queued=payload.lot is not None
        )
        if isinstance(taken, Rejected):
            return taken
        lot = taken
    confirm_times = defaults.confirm_times if payload.confirm_times is None else payload.confirm_times
    return m.Terms(
        lot=lot,
        show=edge.show.id,
        title=offer.title,
        currency=currency,
        rules=Rules(payload.start, payload.reserve, bool(payload.exact), table),
        timing=timing,
        picture=offer.picture,
        product=offer.product,
        seller=offer.seller,
        format=format,
        version=version,
        confirm_times=confirm_times,
        limit=payload.limit,
    )


async def _from_queue(payload: LotOpen, edge: Edge) -> LotOpen | Rejected:
    """The message as if it had said all that the queue's entry says."""
    assert payload.lot is not None, "asked for a queued lot"
    queued = await edge.shows.lot(LotId(payload.lot))
    if queued is None or queued.show != edge.show.id:
        return NO_LOT
    if queued.status != "queued":
        return LOT_KNOWN
    own_clock = ClockChoice(
        queued.preset or "live", queued.duration_ms, queued.window_ms, queued.extend_ms, queued.hard_ms
    )
    return LotOpen(
        show=payload.show,
        lot=payload.lot,
        product=queued.product,
        title=payload.title or queued.title,
        picture=queued.picture if payload.picture is None else payload.picture,
        start=queued.start if payload.start is None else payload.start,
        reserve=queued.reserve if payload.reserve is None else payload.reserve,
        format=payload.format or queued.format,
        exact=queued.exact if payload.exact is None else payload.exact,
        increments=queued.increments if payload.increments is None else payload.increments,
        clock=payload.clock or own_clock,
        confirm_times=payload.confirm_times,
        limit=payload.limit,
    )


async def _offer(payload: LotOpen, edge: Edge) -> _Offer | Rejected:
    """The product's words where the message has none. Products of the show's host only, as in the spotlight."""
    lot = payload.lot or new_id("lot")
    if payload.product is None:
        return NO_TITLE if payload.title is None else _Offer(lot, payload.title, payload.picture or "")
    product = await edge.catalog.get(ProductId(payload.product))
    if product is None or product.archived or product.seller != edge.show.host:
        return NO_PRODUCT
    if product.currency != edge.show.currency:
        return OTHER_CURRENCY
    picture = payload.picture or (product.images[0] if product.images else "")
    title = payload.title or product.title[:TITLE_MAX]
    return _Offer(lot, title, picture, product.id, product.seller)


def _timing(choice: ClockChoice, defaults: Defaults) -> clocks.Timing | Rejected:
    return clocks.timing(
        choice.preset,
        duration_ms=choice.duration_ms,
        window_ms=choice.window_ms,
        extend_ms=choice.extend_ms,
        hard_ms=choice.hard_ms,
        hammer_ms=defaults.hammer_ms if choice.hammer_ms is None else choice.hammer_ms,
        call_gap_ms=defaults.call_gap_ms if choice.call_gap_ms is None else choice.call_gap_ms,
    )


def _bid(payload: BidPlace, edge: Edge) -> Settled | Awaitable[Settled]:
    """Refusals: the gate's. Nothing is waited for but with the first bid of somebody who was not seen lately."""
    refused = edge.gate.refusal(edge.actor, edge.show, payload.amount)
    if refused is None:
        return m.PlaceBid(payload.lot, payload.amount, payload.exact, payload.confirm)
    return refused if isinstance(refused, Rejected) else _bid_later(payload, refused)


async def _bid_later(payload: BidPlace, asked: Awaitable[Rejected | None]) -> Settled:
    return await asked or m.PlaceBid(payload.lot, payload.amount, payload.exact, payload.confirm)


def _call(payload: LotAct, edge: Edge) -> Settled:
    return m.CallLot(payload.lot)


def _extend(payload: LotExtend, edge: Edge) -> Settled:
    return m.ExtendLot(payload.lot, payload.by_ms)


def _close(payload: LotAct, edge: Edge) -> Settled:
    return m.CloseLot(payload.lot)


def _pass(payload: LotAct, edge: Edge) -> Settled:
    return m.PassLot(payload.lot)


def _void(payload: LotVoid, edge: Edge) -> Settled:
    return m.VoidBidder(payload.lot, payload.user, payload.reason)


def routes(defaults: Defaults) -> tuple[Route, ...]:
    """The messages of auctions, with the server's settings behind them."""

    def opening(payload: LotOpen, edge: Edge) -> Awaitable[Settled]:
        return _open(defaults, payload, edge)

    return (
        Route(
            "lot:open", LotOpen, "lot:open", opening, HOSTS_ONLY, "host",
            "Opens a lot from the queue, of a product, or with a title alone; one lot runs at a time.",
        ),
        Route(
            "bid:place", BidPlace, "bid:place", _bid, SIGNED_IN, "bid",
            "Bids up to an amount; the answer says whether one leads, and what the next bid must reach.",
        ),
        Route(
            "lot:call", LotAct, "lot:call", _call, HOSTS_ONLY, "host",
            "Going once, going twice, sold: the third call in a row ends the lot, a bid resets them.",
        ),
        Route(
            "lot:extend", LotExtend, "lot:extend", _extend, HOSTS_ONLY, "host",
            "Gives a running lot more time, up to its hard end.",
        ),
        Route(
            "lot:close", LotAct, "lot:close", _close, HOSTS_ONLY, "host",
            "Hammer: ends the lot now; late bids that are still on their way count as at any end.",
        ),
        Route(
            "lot:pass", LotAct, "lot:pass", _pass, HOSTS_ONLY, "host",
            "Takes a running lot back without a sale.",
        ),
        Route(
            "lot:void", LotVoid, "lot:void", _void, HOSTS_ONLY, "host",
            "Takes one bidder out of a running lot and recomputes from the others' maxima; the price may fall.",
        ),
    )  # fmt: skip


ROUTES: tuple[Route, ...] = routes(Defaults())
"""With the defaults; the composition root makes its own from the settings."""
