"""How facts change the auctions' state. It decides nothing and never refuses: what is a fact has happened."""

from liveserver.auction import model as m
from liveserver.auction.bidding import enter_bid
from liveserver.auction.formats import FORMATS
from liveserver.rooms.model import Context

_FINISHED = frozenset({"sold", "passed"})


def new_lot(fact: m.LotOpened, ts: int) -> m.Lot:
    """The lot that an opening makes."""
    terms = fact.terms
    return m.Lot(
        terms=terms,
        secret=fact.secret,
        opened_at=ts,
        ends_at=fact.ends_at,
        hard_ends_at=fact.hard_ends_at,
        head=fact.head,
        book=FORMATS[terms.format, terms.version].new_book(terms.rules),
    )


def evolve(state: m.AuctionState, fact: m.AnyLotFact, ctx: Context) -> None:
    """Applies one fact."""
    if isinstance(fact, m.BidAccepted):  # nearly all of them
        enter_bid(state.lots[fact.lot], fact, ctx.seq)
        return
    if isinstance(fact, m.LotOpened):
        state.lots[fact.lot] = new_lot(fact, ctx.ts)
        state.running = state.current = fact.lot
        _forget_oldest(state)
        return
    lot = state.lots[fact.lot]
    lot.head = fact.head
    match fact:
        case m.LotCalled():
            lot.calls, lot.called_at = fact.calls, ctx.ts
        case m.LotExtended():
            lot.ends_at, lot.extensions = fact.ends_at, fact.extensions
        case m.LotClosing():
            lot.status, lot.ends_at, lot.called_at = "closing", fact.ends_at, ctx.ts
        case m.LotHammered():
            lot.status, lot.decided_seq = "hammered", ctx.seq
            _finish(state, lot)
            _count_win(state, fact.winner, fact.price)
        case m.LotSold():
            lot.status = "sold"
        case m.LotPassed():
            lot.status, lot.reason = "passed", fact.reason
            _finish(state, lot)
        case m.BidderVoided():
            _void(lot, fact)


def _void(lot: m.Lot, fact: m.BidderVoided) -> None:
    rule = FORMATS[lot.terms.format, lot.terms.version]
    rule.remove(lot.book, fact.user)
    rule.settle(lot.book, fact.leader, fact.top, fact.second, fact.price, fact.min_next)
    lot.leader_name, lot.leader_public = fact.leader_name, fact.leader_public
    lot.barred.append(fact.user)
    lot.calls = 0


def _finish(state: m.AuctionState, lot: m.Lot) -> None:
    """Nothing is bid on this lot any more: drops what was hidden and large. The record has it."""
    state.running = ""
    lot.book.bidders = {}
    lot.book.top = lot.book.second = 0
    lot.barred = []


def _count_win(state: m.AuctionState, winner: str, price: int) -> None:
    # Taken out and put in anew, so that the first key is always who has won nothing for longest.
    state.won[winner] = state.won.pop(winner, 0) + price
    if len(state.won) > m.WINNERS_MAX:
        del state.won[next(iter(state.won))]


def _forget_oldest(state: m.AuctionState) -> None:
    if len(state.lots) > m.LOTS_MAX:
        del state.lots[next(id for id, lot in state.lots.items() if lot.status in _FINISHED)]
