"""The life of a lot but for its bids: opened, called, closed, decided, sold or passed; and a bidder voided.

States and what leads from one to the next:

    open     -- `lot:extend` -->  open, ending later
    open     -- the end is reached, `lot:close`, third `lot:call` -->  closing
    open     -- `lot:pass` -->  passed
    closing  -- a late bid that still counts and extends -->  open
    closing  -- `hammer_ms` after the end -->  hammered (somebody leads, reserve met), or passed
    hammered -- `lot:confirm`, once the record has it -->  sold

One lot of a show is open or closing at a time, because a page shows one. The next may open while a result waits for the
record, so that a show goes on while PostgreSQL is away.
"""

from liveserver.auction import chain
from liveserver.auction import model as m
from liveserver.auction.bidding import LOT_UNKNOWN, lot_closed
from liveserver.auction.formats import FORMATS
from liveserver.auction.formats.english import reserve_status
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import HOSTS, Context, Decision, Verdict
from liveserver.rooms.room import LogBroken

HOST_ONLY = Rejected("host_only", "Only the host may do this.")
SYSTEM_ONLY = Rejected("system_only", "Only the server itself says this.")
NO_SUCH_BIDDER = Rejected("no_such_bidder", "This person has no bid on the lot.")
BARRED_FULL = Rejected("void_full", "No more bidders of this lot can be voided. Pass the lot instead.")
UNCONFIRMED_FULL = Rejected(
    "lots_unconfirmed", "Too many results wait to be recorded. Try again in a moment.", retryable=True
)


def _decided(lot: m.Lot | None, fact: m.AnyLotFact, ctx: Context, **result: object) -> Decision:
    fact.head = chain.next_head(lot.head if lot is not None else "", fact, ctx.seq, ctx.ts)
    return Decision((fact,), {"lot": fact.lot, **result})


def open_lot(state: m.AuctionState, terms: m.Terms, ctx: Context) -> Verdict:
    """Decides `lot:open`: host_only, bad_reserve, lot_open, lot_known, lots_unconfirmed.

    Raises LogBroken for a format or version that is not known here: the edge refuses those, so a newer release wrote it, and
    took it perhaps (faults.md, row 24).
    """
    if ctx.actor.role not in HOSTS:
        return HOST_ONLY
    if (terms.format, terms.version) not in FORMATS:
        raise LogBroken(
            f"lot {terms.lot} is of {terms.format}.{terms.version}, which nobody here knows; is a newer release running beside?"
        )
    rules = terms.rules
    if rules.reserve is not None and rules.reserve < rules.start:
        return Rejected("bad_reserve", "A reserve is not under the start price.", detail={"field": "reserve"})
    if state.running:
        return Rejected("lot_open", "Another lot is running.", detail={"lot": state.running})
    if terms.lot in state.lots:
        return Rejected("lot_known", "This lot was opened already.", detail={"lot": terms.lot})
    if sum(lot.status == "hammered" for lot in state.lots.values()) >= m.UNCONFIRMED_MAX:
        return UNCONFIRMED_FULL
    timing = terms.timing
    ends_at = ctx.ts + timing.duration_ms
    fact = m.LotOpened(
        lot=terms.lot,
        terms=terms,
        secret=chain.commitment(ctx.salt, ctx.seq, "confirm", terms.lot),
        sealed=chain.commitment(ctx.salt, ctx.seq, "reserve", rules.reserve),
        ends_at=ends_at,
        hard_ends_at=None if timing.hard_ms is None else ctx.ts + timing.hard_ms,
        by=ctx.actor.id,
    )
    return _decided(None, fact, ctx, ends_at=ends_at, hard_ends_at=fact.hard_ends_at)


def _running(state: m.AuctionState, lot: str, ctx: Context) -> m.Lot | Rejected:
    """The lot, if a host may act on it: host_only, lot_unknown, lot_closed."""
    if ctx.actor.role not in HOSTS:
        return HOST_ONLY
    known = state.lots.get(lot)
    if known is None:
        return LOT_UNKNOWN
    return known if known.status in {"open", "closing"} else lot_closed(known)


def call_lot(state: m.AuctionState, command: m.CallLot, ctx: Context) -> Verdict:
    """Decides `lot:call`; the third call in a row closes. Refused besides: too_soon, with `wait_ms`."""
    lot = _running(state, command.lot, ctx)
    if isinstance(lot, Rejected):
        return lot
    if lot.status != "open":
        return lot_closed(lot)
    next_ts = lot.called_at + lot.terms.timing.call_gap_ms
    if ctx.ts < next_ts:
        return Rejected(
            "too_soon",
            "People need a moment between two calls.",
            retryable=True,
            detail={"wait_ms": next_ts - ctx.ts},
        )
    if lot.calls == 2:
        return _closing(lot, "called", ctx.ts, ctx)
    fact = m.LotCalled(lot=command.lot, calls=lot.calls + 1, ends_at=lot.ends_at, by=ctx.actor.id)
    return _decided(lot, fact, ctx, calls=fact.calls)


def extend_lot(state: m.AuctionState, command: m.ExtendLot, ctx: Context) -> Verdict:
    """Decides `lot:extend`: more time, up to the published hard end (`hard_end` when that is reached)."""
    lot = _running(state, command.lot, ctx)
    if isinstance(lot, Rejected):
        return lot
    if lot.status != "open":
        return lot_closed(lot)
    ends_at = lot.ends_at + command.by_ms
    if lot.hard_ends_at is not None:
        ends_at = min(ends_at, lot.hard_ends_at)
    if ends_at <= lot.ends_at:
        return Rejected(
            "hard_end", "This lot already ends as late as it was announced.", detail={"ends_at": lot.ends_at}
        )
    fact = m.LotExtended(lot=command.lot, ends_at=ends_at, extensions=lot.extensions + 1, by=ctx.actor.id)
    return _decided(lot, fact, ctx, ends_at=ends_at)


def close_lot(state: m.AuctionState, command: m.CloseLot, ctx: Context) -> Verdict:
    """Decides `lot:close`: the host's hammer ends the lot now; the system's timer finds what `advance` has done.

    A timer that comes early is told `not_due`, one that comes second `lot_closed`: the log's time decides, no node's.
    """
    lot = _running(state, command.lot, ctx)
    if isinstance(lot, Rejected):
        return lot
    if lot.status != "open":
        return lot_closed(lot)
    if ctx.actor.role == "system":
        return Rejected(
            "not_due", "The lot is still running.", retryable=True, detail={"ends_at": lot.ends_at}
        )
    return _closing(lot, "host", ctx.ts, ctx)


def _closing(lot: m.Lot, cause: m.Cause, ends_at: int, ctx: Context) -> Decision:
    fact = m.LotClosing(lot=lot.terms.lot, cause=cause, ends_at=ends_at, calls=lot.calls, by=ctx.actor.id)
    return _decided(lot, fact, ctx, ends_at=ends_at)


def pass_lot(state: m.AuctionState, command: m.PassLot, ctx: Context) -> Verdict:
    """Decides `lot:pass`. Not while closing: a host must not see the end of an auction and then undo it."""
    lot = _running(state, command.lot, ctx)
    if isinstance(lot, Rejected):
        return lot
    if lot.status != "open":
        return lot_closed(lot)
    return _decided(
        lot, m.LotPassed(lot=command.lot, reason="host", ends_at=lot.ends_at, by=ctx.actor.id), ctx
    )


def void_bidder(state: m.AuctionState, command: m.VoidBidder, ctx: Context) -> Verdict:
    """Decides `lot:void`: recomputes from the remaining maxima; the person may not bid on the lot again.

    Refused besides: no_such_bidder, void_full. Calls start anew. The end stays: only bids extend.
    """
    lot = _running(state, command.lot, ctx)
    if isinstance(lot, Rejected):
        return lot
    standing = lot.book.bidders.get(command.user)
    if standing is None:
        return NO_SUCH_BIDDER
    if len(lot.barred) >= m.BARRED_MAX:
        return BARRED_FULL
    terms = lot.terms
    outcome = FORMATS[terms.format, terms.version].without(lot.book, terms.rules, command.user)
    leader = lot.book.bidders[outcome.leader] if outcome.leader else None
    fact = m.BidderVoided(
        lot=command.lot,
        user=command.user,
        name=standing.name,
        public=standing.public,
        reason=command.reason,
        by=ctx.actor.id,
        leader=outcome.leader,
        leader_name=leader.name if leader is not None else "",
        leader_public=leader.public if leader is not None else "",
        top=outcome.top,
        second=outcome.second,
        price=outcome.price,
        bids=lot.book.bids - standing.bids,
        min_next=outcome.min_next,
        reserve=reserve_status(terms.rules, outcome.price),
        ends_at=lot.ends_at,
        commitment=chain.commitment(ctx.salt, ctx.seq, command.user, command.reason),
    )
    return _decided(lot, fact, ctx, price=outcome.price, bids=fact.bids, min_next=fact.min_next)


def confirm_lot(state: m.AuctionState, command: m.ConfirmLot, ctx: Context) -> Verdict:
    """Decides `lot:confirm`: system_only, lot_unknown, lot_closed (sold already, or never hammered)."""
    if ctx.actor.role != "system":
        return SYSTEM_ONLY
    lot = state.lots.get(command.lot)
    if lot is None:
        return LOT_UNKNOWN
    if lot.status != "hammered":
        return lot_closed(lot)
    book, terms = lot.book, lot.terms
    assert book.price is not None, "a hammered lot has a price"
    fact = m.LotSold(
        lot=command.lot,
        winner=book.leader,
        name=lot.leader_name,
        public=lot.leader_public,
        price=book.price,
        bids=book.bids,
        ends_at=lot.ends_at,
        currency=terms.currency,
        title=terms.title,
        product=terms.product,
        seller=terms.seller,
    )
    return _decided(lot, fact, ctx)


def due_ts(state: m.AuctionState) -> int | None:
    """When time alone will move the running lot."""
    if not state.running:
        return None
    lot = state.lots[state.running]
    # The hammer window includes its last millisecond: "first with ts > end + hammer" decides (faults.md, row 19).
    return lot.ends_at if lot.status == "open" else lot.ends_at + lot.terms.timing.hammer_ms + 1


def advance(state: m.AuctionState, ctx: Context) -> tuple[m.AnyLotFact, ...]:
    """The next step that time has brought about: closing, or the result."""
    due = due_ts(state)
    if due is None or ctx.ts < due:
        return ()
    lot = state.lots[state.running]
    book, id = lot.book, lot.terms.lot
    fact: m.AnyLotFact
    if lot.status == "open":
        fact = m.LotClosing(lot=id, cause="clock", ends_at=lot.ends_at, calls=lot.calls, by="")
    elif book.price is None:
        fact = m.LotPassed(lot=id, reason="no_bids", ends_at=lot.ends_at, by="")
    elif reserve_status(lot.terms.rules, book.price) == "not_met":
        fact = m.LotPassed(lot=id, reason="reserve_not_met", ends_at=lot.ends_at, by="")
    else:
        fact = m.LotHammered(
            lot=id,
            winner=book.leader,
            name=lot.leader_name,
            public=lot.leader_public,
            price=book.price,
            bids=book.bids,
            ends_at=lot.ends_at,
        )
    fact.head = chain.next_head(lot.head, fact, ctx.seq, ctx.ts)
    return (fact,)
