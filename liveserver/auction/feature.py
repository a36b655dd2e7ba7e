"""Auctions as a feature of a room: which commands it decides and where each is decided.

The rules are in `bidding`, `lots` and `formats`, the effects in `evolution`, the showing in `projection`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, assert_never

import msgspec

from liveserver.auction import evolution, lots, projection
from liveserver.auction import model as m
from liveserver.auction.bidding import place_bid
from liveserver.auction.formats import FORMATS
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Context, Event, Fact, Feature, Pending, Verdict, Viewer

AuctionCommand = (
    m.PlaceBid | m.Terms | m.CallLot | m.ExtendLot | m.CloseLot | m.PassLot | m.VoidBidder | m.ConfirmLot
)


class Auction:
    """See `liveserver.rooms.model.Feature` for what each method promises."""

    name: ClassVar[str] = "auction"
    state: ClassVar[type[msgspec.Struct]] = m.AuctionState
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "lot:open": m.Terms,
        "bid:place": m.PlaceBid,
        "lot:call": m.CallLot,
        "lot:extend": m.ExtendLot,
        "lot:close": m.CloseLot,
        "lot:pass": m.PassLot,
        "lot:void": m.VoidBidder,
        "lot:confirm": m.ConfirmLot,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = m.LOT_FACTS
    versions: ClassVar[tuple[str, ...]] = tuple(f"{name}.{version}" for name, version in FORMATS)
    guards: ClassVar[frozenset[str]] = frozenset({"show:end"})

    def guard(self, state: m.AuctionState, kind: str, ctx: Context) -> Rejected | None:
        """A show does not end over a running lot."""
        if not state.running:
            return None
        return Rejected(
            "lot_open", "A lot is running. Close or pass it first.", detail={"lot": state.running}
        )

    def due_ts(self, state: m.AuctionState) -> int | None:
        return lots.due_ts(state)

    def advance(self, state: m.AuctionState, ctx: Context) -> Sequence[Fact]:
        return lots.advance(state, ctx)

    def decide(self, state: m.AuctionState, command: AuctionCommand, ctx: Context) -> Verdict:
        if isinstance(command, m.PlaceBid):  # nearly all of them
            return place_bid(state, command, ctx)
        match command:
            case m.Terms():
                return lots.open_lot(state, command, ctx)
            case m.CallLot():
                return lots.call_lot(state, command, ctx)
            case m.ExtendLot():
                return lots.extend_lot(state, command, ctx)
            case m.CloseLot():
                return lots.close_lot(state, command, ctx)
            case m.PassLot():
                return lots.pass_lot(state, command, ctx)
            case m.VoidBidder():
                return lots.void_bidder(state, command, ctx)
            case m.ConfirmLot():
                return lots.confirm_lot(state, command, ctx)
            case _:
                assert_never(command)

    def evolve(self, state: m.AuctionState, fact: m.AnyLotFact, ctx: Context) -> None:
        evolution.evolve(state, fact, ctx)

    def events(self, facts: Sequence[tuple[int, m.AnyLotFact]], ts: int) -> list[tuple[int, Event]]:
        return projection.events(facts, ts)

    def snapshot(self, state: m.AuctionState) -> dict[str, Any]:
        return projection.snapshot(state)

    def own(self, state: m.AuctionState, viewer: Viewer) -> dict[str, Any]:
        return projection.own(state, viewer)

    def pending(self, state: m.AuctionState) -> Sequence[Pending]:
        """Sales become final once the record has the hammer."""
        return [
            Pending(lot.decided_seq, "lot:confirm", m.ConfirmLot(id))
            for id, lot in state.lots.items()
            if lot.status == "hammered"
        ]


_checked: Feature = Auction()
