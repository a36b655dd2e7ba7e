"""A bid from command to state: who may bid, whether it is in time, what the format says, and what must be confirmed first.

Prices are the format's (`formats`), times the clock's (`clock`); hosts' commands are in `lots`.
"""

import hmac
from hashlib import sha256

from liveserver.auction import chain, clock
from liveserver.auction.formats import FORMATS
from liveserver.auction.formats.english import reserve_status
from liveserver.auction.model import (
    BIDDERS_MAX,
    CONFIRM_MS,
    AuctionState,
    BidAccepted,
    Lot,
    PlaceBid,
    bid_line,
)
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import STAFF, Context, Decision, Verdict

LOT_UNKNOWN = Rejected("lot_unknown", "There is no such lot here, or it was long ago.")
SIGN_IN = Rejected("sign_in_required", "Sign in to bid.")
OWN_SHOW = Rejected("own_show", "Sellers, hosts and moderators may not bid in their own show.")
NOT_VERIFIED = Rejected("not_verified", "Your account has not been approved for bidding yet.")
VOIDED = Rejected("bidder_voided", "The host has taken you out of this lot.")
FULL = Rejected(
    "lot_full", "This lot has as many bidders as it can take.", detail={"bidders_max": BIDDERS_MAX}
)


def place_bid(state: AuctionState, command: PlaceBid, ctx: Context) -> Verdict:
    """Decides `bid:place`. Refusals in this order: lot_unknown, sign_in_required, own_show, not_verified, lot_closed,
    bidder_voided, lot_full, the format's own, over_limit, confirm_bid."""
    lot = state.lots.get(command.lot)
    if lot is None:
        return LOT_UNKNOWN
    terms, book, actor = lot.terms, lot.book, ctx.actor
    bidder = actor.id
    if actor.role != "viewer" or not actor.verified or bidder == terms.seller:
        return _not_entitled(ctx)
    allowance_ms = 0
    if lot.status != "open":
        allowance_ms = _allowance(lot, ctx)
        if allowance_ms < 0:
            return lot_closed(lot)
    if lot.barred and bidder in lot.barred:
        return VOIDED
    standing = book.bidders.get(bidder)
    if standing is None and len(book.bidders) >= BIDDERS_MAX:
        return FULL
    rules, amount = terms.rules, command.amount
    outcome = FORMATS[terms.format, terms.version].judge(book, rules, bidder, amount, command.exact)
    if isinstance(outcome, Rejected):
        return outcome
    if terms.limit is not None and state.won.get(bidder, 0) + amount > terms.limit:
        return _over_limit(state, lot, bidder)
    if terms.confirm_times and amount > terms.confirm_times * book.min_next:
        unsure = _ask_to_confirm(lot, command, ctx)
        if unsure is not None:
            return unsure

    public = standing.public if standing is not None else chain.public_id(terms.show, bidder)
    leader, price = outcome.leader, outcome.price
    assert price is not None, "an accepted bid makes a price"
    if leader == bidder:
        leader_name, leader_public = actor.name, public
        outbid = book.leader if book.leader != bidder else ""
    else:
        leader_name, leader_public, outbid = lot.leader_name, lot.leader_public, ""
    ends_at, status = lot.ends_at, lot.status
    if leader != book.leader or price != book.price:
        ends_at = clock.extended(terms.timing, ends_at, lot.hard_ends_at, ctx.ts)
        if ends_at > ctx.ts:
            status = "open"
    extended = ends_at != lot.ends_at
    reserve = "none" if rules.reserve is None else reserve_status(rules, price)
    own_bids = 1 if standing is None else standing.bids + 1
    bids, seq, ts = book.bids + 1, ctx.seq, ctx.ts
    commitment = chain.bid_commitment(ctx.salt, seq, bidder, amount)
    line = bid_line(public, price, leader_public, bids, status, ends_at, allowance_ms, commitment)
    fact = BidAccepted(
        lot=command.lot,
        head=chain.linked(lot.head, seq, ts, line),
        bidder=bidder,
        name=actor.name,
        public=public,
        amount=amount,
        exact=command.exact or rules.exact,
        own_bids=own_bids,
        outbid=outbid,
        leader=leader,
        leader_name=leader_name,
        leader_public=leader_public,
        top=outcome.top,
        second=outcome.second,
        price=price,
        bids=bids,
        min_next=outcome.min_next,
        reserve=reserve,
        status=status,
        ends_at=ends_at,
        extended=extended,
        extensions=lot.extensions + 1 if extended else lot.extensions,
        allowance_ms=allowance_ms,
        commitment=commitment,
    )
    result = {
        "lot": command.lot,
        "leading": leader == bidder,
        "max": amount,
        "price": price,
        "min_next": outcome.min_next,
        "bids": bids,
        "reserve": reserve,
        "ends_at": ends_at,
        "id": public,
    }
    return Decision((fact,), result)


def _not_entitled(ctx: Context) -> Rejected:
    if ctx.actor.role == "guest":
        return SIGN_IN
    if ctx.actor.role in STAFF or ctx.actor.verified:
        return OWN_SHOW
    return NOT_VERIFIED


def _allowance(lot: Lot, ctx: Context) -> int:
    """The allowance by which a bid on a closing lot still counts, or -1."""
    if lot.status != "closing":
        return -1
    late_ms = ctx.ts - lot.ends_at
    allowance_ms = clock.allowance_ms(lot.terms.timing, ctx.rtt_ms)
    return allowance_ms if late_ms <= allowance_ms else -1


def lot_closed(lot: Lot) -> Rejected:
    """The refusal of whatever needs a lot that is still running."""
    return Rejected(
        "lot_closed", "This lot is closed.", detail={"status": lot.status, "ends_at": lot.ends_at}
    )


def _over_limit(state: AuctionState, lot: Lot, bidder: str) -> Rejected:
    limit = lot.terms.limit or 0
    return Rejected(
        "over_limit",
        "With this bid you could owe more in this show than your limit allows.",
        detail={"limit": limit, "available": max(0, limit - state.won.get(bidder, 0))},
    )


def _ask_to_confirm(lot: Lot, command: PlaceBid, ctx: Context) -> Rejected | None:
    """`confirm_bid` with a token, unless the command brings a good one.

    The token is a keyed hash of who, how much and when, so that no room has to remember the tokens it gave out.
    """
    stamp, _, given = command.confirm.partition(".")
    # ASCII digits only: `int` reads those of every script, by tables that differ between Python versions.
    if given and stamp.isascii() and stamp.isdigit():
        asked_ts = int(stamp)
        fresh = 0 <= ctx.ts - asked_ts <= CONFIRM_MS
        if fresh and hmac.compare_digest(given.encode(), _token(lot, command.amount, ctx, asked_ts).encode()):
            return None
    return Rejected(
        "confirm_bid",
        "That is far above the next bid. Confirm that you mean it.",
        detail={
            "token": f"{ctx.ts}.{_token(lot, command.amount, ctx, ctx.ts)}",
            "min_next": lot.book.min_next,
            "valid_ms": CONFIRM_MS,
        },
    )


def _token(lot: Lot, amount: int, ctx: Context, asked_ts: int) -> str:
    said = f"{lot.terms.lot}|{ctx.actor.id}|{amount}|{asked_ts}"
    return hmac.new(lot.secret.encode(), said.encode(), sha256).hexdigest()[:32]


def enter_bid(lot: Lot, fact: BidAccepted, seq: int) -> None:
    """Applies an accepted bid to its lot."""
    format = FORMATS[lot.terms.format, lot.terms.version]
    format.enter(lot.book, fact.bidder, fact.name, fact.public, fact.amount, fact.exact, seq)
    format.settle(lot.book, fact.leader, fact.top, fact.second, fact.price, fact.min_next)
    lot.leader_name = fact.leader_name
    lot.leader_public = fact.leader_public
    lot.status = fact.status
    lot.ends_at = fact.ends_at
    lot.extensions = fact.extensions
    lot.calls = 0
    lot.head = fact.head
