"""What whom is shown of auctions: events of facts, and a lot's document in snapshots. An allow-list, field by field.

Maxima, the reserve and confirmation keys are nobody's, staff included. Bidders' ids and names are the staff's; everybody
sees the leader's name and pseudonym. Everything here is absolute (prices, ends), so that a lost event does no lasting harm.
"""

from collections.abc import Sequence
from typing import Any

from liveserver.auction import chain
from liveserver.auction import model as m
from liveserver.auction.evolution import new_lot
from liveserver.auction.formats.english import reserve_status
from liveserver.rooms.model import PEOPLE, ROOM, STAFF, STAFF_ONLY, Event, Viewer

STAFF_BIDDERS_MAX = 200
"""Bidders of the running lot in a staff snapshot, the latest first: as many as a console can list."""


def document(lot: m.Lot) -> dict[str, Any]:
    """What everybody may see of a lot."""
    terms, book = lot.terms, lot.book
    timing = terms.timing
    return {
        "lot": terms.lot,
        "title": terms.title,
        "picture": terms.picture,
        "product": terms.product,
        "format": terms.format,
        "exact": terms.rules.exact,
        "currency": terms.currency,
        "status": lot.status,
        "start": terms.rules.start,
        "price": book.price,
        "leader": lot.leader_name or None,
        "leader_id": lot.leader_public or None,
        "bids": book.bids,
        "min_next": book.min_next,
        "reserve": reserve_status(terms.rules, book.price),
        "opened_at": lot.opened_at,
        "ends_at": lot.ends_at,
        "hard_ends_at": lot.hard_ends_at,
        "window_ms": timing.window_ms,
        "extend_ms": timing.extend_ms,
        "hammer_ms": timing.hammer_ms,
        "preset": timing.preset,
        "calls": lot.calls,
        "extensions": lot.extensions,
        "reason": lot.reason or None,
        "head": lot.head,
    }


def snapshot(state: m.AuctionState) -> dict[str, Any]:
    """The auctions as everybody may see them."""
    return {
        "current": state.current or None,
        "lots_max": m.LOTS_MAX,
        "lots": {id: document(lot) for id, lot in state.lots.items()},
    }


def own(state: m.AuctionState, viewer: Viewer) -> dict[str, Any]:
    """What is the viewer's alone. `id` is how `leader_id` names them in this show."""
    maxima: dict[str, int] = {}
    leading: list[str] = []
    lot = state.lots.get(state.running)
    if lot is not None and viewer.id in lot.book.bidders:
        maxima[lot.terms.lot] = lot.book.bidders[viewer.id].max
        if lot.book.leader == viewer.id:
            leading.append(lot.terms.lot)
    won = [
        {"lot": id, "price": lot.book.price, "final": lot.status == "sold"}
        for id, lot in state.lots.items()
        if lot.book.leader == viewer.id and lot.status in {"hammered", "sold"}
    ]
    own_id = chain.public_id(viewer.show, viewer.id)
    you: dict[str, Any] = {"id": own_id, "max": maxima, "leading": leading, "won": won}
    if viewer.role in STAFF:
        you["bidders"] = {} if lot is None else {lot.terms.lot: _bidders(lot)}
    return you


def _bidders(lot: m.Lot) -> list[dict[str, Any]]:
    latest = sorted(lot.book.bidders.items(), key=lambda item: -item[1].seq)[:STAFF_BIDDERS_MAX]
    return [
        {"id": user, "name": s.name, "bids": s.bids, "leading": user == lot.book.leader} for user, s in latest
    ]


def events(facts: Sequence[tuple[int, m.AnyLotFact]], ts: int) -> list[tuple[int, Event]]:
    """Whom to tell what about facts of one entry. Of the bids on a lot everybody hears the last, which says how it stands then,
    and so does, once, each person who was outbid by then: 500 bids of one moment are no 500 messages to a phone."""
    last = {fact.lot: at for at, (_, fact) in enumerate(facts) if isinstance(fact, m.BidAccepted)}
    outbid: dict[str, dict[str, None]] = {lot: {} for lot in last}
    told: list[tuple[int, Event]] = []
    for at, (seq, fact) in enumerate(facts):
        if not isinstance(fact, m.BidAccepted):
            told += [(seq, event) for event in _told(fact, ts)]
            continue
        behind = fact.outbid if fact.leader == fact.bidder else fact.bidder
        if behind:
            outbid[fact.lot][behind] = None
        if last[fact.lot] == at:
            outbid[fact.lot].pop(fact.leader, None)
            told += [(seq, event) for event in _bid_events(fact, ts, tuple(outbid[fact.lot]))]
        elif fact.extended:
            told.append((seq, _extended(fact, ts)))
    return told


def _told(fact: m.AnyLotFact, ts: int) -> list[Event]:
    match fact:
        case m.BidAccepted():
            raise AssertionError("bids are told together")
        case m.LotOpened():
            return [Event("lot:opened", {**document(new_lot(fact, ts)), "server_now": ts})]
        case m.LotCalled():
            return [_event("lot:called", fact, ts, calls=fact.calls)]
        case m.LotExtended():
            return [_event("lot:extended", fact, ts, cause="host", extensions=fact.extensions)]
        case m.LotClosing():
            return [_event("lot:closing", fact, ts, status="closing", cause=fact.cause)]
        case m.LotHammered():
            provisional = {"price": fact.price, "leader": fact.name, "leader_id": fact.public}
            return [_event("lot:closing", fact, ts, status="hammered", provisional=provisional)]
        case m.LotSold():
            return [
                _event(
                    "lot:sold",
                    fact,
                    ts,
                    status="sold",
                    price=fact.price,
                    leader=fact.name,
                    leader_id=fact.public,
                    bids=fact.bids,
                )
            ]
        case m.LotPassed():
            return [_event("lot:passed", fact, ts, status="passed", reason=fact.reason)]
        case m.BidderVoided():
            return _void_events(fact, ts)


def _event(
    type: str,
    fact: m.LotCalled | m.LotExtended | m.LotClosing | m.LotHammered | m.LotSold | m.LotPassed,
    ts: int,
    **more: object,
) -> Event:
    return Event(
        type, {"lot": fact.lot, **more, "ends_at": fact.ends_at, "server_now": ts, "head": fact.head}
    )


def _bid_events(fact: m.BidAccepted, ts: int, outbid: tuple[str, ...]) -> list[Event]:
    """`bid:accepted` for all, a line for the console, and word to those who were outbid, maybe the bidder at once."""
    lot, price, ends_at = fact.lot, fact.price, fact.ends_at
    public = {
        "lot": lot,
        "price": price,
        "leader": fact.leader_name,
        "leader_id": fact.leader_public,
        "bids": fact.bids,
        "min_next": fact.min_next,
        "reserve": fact.reserve,
        "status": fact.status,
        "ends_at": ends_at,
        "extensions": fact.extensions,
        "server_now": ts,
        "head": fact.head,
    }
    line = {
        "lot": lot,
        "bidder": {"id": fact.bidder, "name": fact.name},
        "bids": fact.own_bids,
        "leading": fact.leader == fact.bidder,
        "price": price,
        "accepted": True,
        "server_now": ts,
    }
    told = [Event("bid:accepted", public, ROOM, lot), Event("host:bid", line, STAFF_ONLY, lot)]
    if fact.extended:
        told.append(_extended(fact, ts))
    if outbid:
        word = {
            "lot": lot,
            "price": price,
            "leader": fact.leader_name,
            "leader_id": fact.leader_public,
            "min_next": fact.min_next,
            "ends_at": ends_at,
            "server_now": ts,
        }
        told.append(Event("bid:outbid", word, PEOPLE, people=outbid))
    return told


def _extended(fact: m.BidAccepted, ts: int) -> Event:
    moved = {
        "lot": fact.lot,
        "cause": "bid",
        "ends_at": fact.ends_at,
        "extensions": fact.extensions,
        "server_now": ts,
        "head": fact.head,
    }
    return Event("lot:extended", moved)


def _void_events(fact: m.BidderVoided, ts: int) -> list[Event]:
    """Everybody is told the new state and the reason, only staff and the person whom it concerned."""
    public = {
        "lot": fact.lot,
        "reason": fact.reason,
        "price": fact.price,
        "leader": fact.leader_name or None,
        "leader_id": fact.leader_public or None,
        "bids": fact.bids,
        "min_next": fact.min_next,
        "reserve": fact.reserve,
        "calls": 0,
        "ends_at": fact.ends_at,
        "server_now": ts,
        "head": fact.head,
    }
    own = {"lot": fact.lot, "reason": fact.reason, "server_now": ts}
    return [
        Event("lot:voided", public),
        Event("host:void", {**own, "bidder": {"id": fact.user, "name": fact.name}}, STAFF_ONLY),
        Event("bid:voided", own, PEOPLE, people=(fact.user,)),
    ]
