"""A whole show without a network: people do things by name, the clock goes where one says, everything is looked at after.

    show = LocalShow()
    show.opens(start=1000, increments="flat:100")
    show.ana.bids(1200)
    show.at(29_500)          # ms since the lot was opened
    show.ben.bids(1500, rtt_ms=80)
    show.ends()
    assert show.lot["leader"] == "Ben"

Behind it is a real room on an in-memory log with the real features; any name becomes a viewer with that name. What it leaves
out is all that can fail. Entries are kept, so that other replicas can be made and compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from liveserver.auction import model as m
from liveserver.auction.clock import Timing, timing
from liveserver.auction.feature import Auction
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import Increments, custom, named
from liveserver.client.reducers import auction as auction_reducer
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.history import wire_event
from liveserver.rooms.lifecycle import End, Lifecycle, Start
from liveserver.rooms.model import (
    ROOM,
    SYSTEM,
    Actor,
    Command,
    Decision,
    Entry,
    Event,
    Fact,
    Feature,
    Role,
    Verdict,
    Viewer,
)
from liveserver.rooms.room import Applied, Room
from liveserver.rooms.virtual import VirtualLog

FEATURES: tuple[Feature, ...] = (Lifecycle(), Auction())
SHOW = "show_1"
EVERYBODY = Viewer("guest:1", "guest")


class _Log(VirtualLog):
    """As the record of PostgreSQL may be away: then nothing is confirmed."""

    recording = True

    def _confirm(self) -> None:
        if self.recording:
            super()._confirm()

    def catch_up(self) -> None:
        """The record is back and confirms what waited."""
        self.recording = True
        self._confirm()


@dataclass
class Person:
    """Somebody in the show. All methods give the room's verdict."""

    show: "LocalShow"
    actor: Actor
    rtt_ms: int = 0
    client: str = ""
    _number: int = field(default=0, repr=False)

    @property
    def id(self) -> str:
        return self.actor.id

    def sends(self, kind: str, args: msgspec.Struct) -> Verdict:
        return self.show.tell(self.command(kind, args))

    def command(self, kind: str, args: msgspec.Struct, rtt_ms: int | None = None) -> Command:
        """The command without sending it: for batches (`LocalShow.batch`) and retries."""
        rtt = self.rtt_ms if rtt_ms is None else rtt_ms
        self._number += 1
        number = self._number if self.client else 0
        return command(kind, self.actor, args, client=self.client, number=number, rtt_ms=rtt)

    def bid(
        self,
        amount: int,
        lot: str | None = None,
        *,
        exact: bool = False,
        confirm: str = "",
        rtt_ms: int | None = None,
    ) -> Command:
        """The command of a bid, unsent."""
        args = m.PlaceBid(lot or self.show.current, amount, exact, confirm)
        return self.command("bid:place", args, rtt_ms)

    def bids(
        self,
        amount: int,
        lot: str | None = None,
        *,
        exact: bool = False,
        confirm: str = "",
        rtt_ms: int | None = None,
    ) -> Verdict:
        return self.show.tell(self.bid(amount, lot, exact=exact, confirm=confirm, rtt_ms=rtt_ms))

    def calls(self, lot: str | None = None) -> Verdict:
        return self.sends("lot:call", m.CallLot(lot or self.show.current))

    def extends(self, by_ms: int = 10_000, lot: str | None = None) -> Verdict:
        return self.sends("lot:extend", m.ExtendLot(lot or self.show.current, by_ms))

    def closes(self, lot: str | None = None) -> Verdict:
        return self.sends("lot:close", m.CloseLot(lot or self.show.current))

    def passes(self, lot: str | None = None) -> Verdict:
        return self.sends("lot:pass", m.PassLot(lot or self.show.current))

    def voids(self, who: "Person", reason: str = "no card", lot: str | None = None) -> Verdict:
        return self.sends("lot:void", m.VoidBidder(lot or self.show.current, who.id, reason))

    def confirms(self, lot: str | None = None) -> Verdict:
        return self.sends("lot:confirm", m.ConfirmLot(lot or self.show.current))

    def opens(self, terms: m.Terms) -> Verdict:
        return self.sends("lot:open", terms)

    def ends_show(self) -> Verdict:
        return self.sends("show:end", End())

    @property
    def view(self) -> dict[str, Any]:
        """The auctions as this person's page gets them when joining."""
        return self.show.snapshot(Viewer(self.id, self.actor.role))

    @property
    def you(self) -> dict[str, Any]:
        return self.view["you"]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of the private events of this kind that went to this person."""
        return [e.payload for _, _, e in self.show.events if self.id in e.people and e.type == kind]


class LocalShow:
    """One live show. Names of viewers are attributes: `show.ana` is always the same Ana."""

    def __init__(
        self,
        features: Sequence[Feature] = FEATURES,
        *,
        seed: str = "",
        started: bool = True,
        show: str = SHOW,
    ) -> None:
        self.features = tuple(features)
        self.entries: list[Entry] = []
        self.verdicts: list[tuple[Command, Verdict]] = []
        self.facts: list[tuple[int, int, Fact]] = []
        """(seq, ts, fact)"""
        self.events: list[tuple[int, int, Event]] = []
        """(seq, ts, event), of every audience."""
        self.log = _Log(show, self.features, seed=seed, on_applied=self._hear)
        self._people: dict[str, Person] = {}
        self._lots = 0
        self.host = self.person("Host", "host")
        self.moderator = self.person("Mod", "moderator")
        self.admin = self.person("Admin", "admin")
        self.guest = self.person("Guest", "guest")
        self.system = Person(self, SYSTEM)
        if started and any(f.name == "show" for f in self.features):
            accepted(self.host.sends("show:start", Start()))

    def _hear(self, applied: Applied) -> None:
        self.entries.append(applied.entry)
        self.verdicts += zip(applied.commands, applied.verdicts, strict=True)
        self.facts += [(seq, applied.entry.ts, fact) for seq, fact in applied.facts]
        self.events += [(seq, applied.entry.ts, event) for seq, event in applied.events]

    # ---- people

    def person(self, name: str, role: Role = "viewer", *, verified: bool = True, rtt_ms: int = 0) -> Person:
        """Somebody by name; made when first named. Ana is u_ana."""
        key = name.lower()
        if key not in self._people:
            id = f"guest:{key}" if role == "guest" else f"u_{key}"
            self._people[key] = Person(self, Actor(id, name, role, verified), rtt_ms)
        return self._people[key]

    def __getattr__(self, name: str) -> Person:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.person(name.capitalize())

    # ---- time

    @property
    def room(self) -> Room:
        return self.log.room

    @property
    def ts(self) -> int:
        """The log's time now."""
        return self.log.now_ms

    def at(self, ms: int) -> None:
        """Moves on to `ms` after the current lot was opened, with timers running as nodes run them."""
        self.log.wait_until(self.state.lots[self.current].opened_at + ms)

    def wait(self, ms: int) -> None:
        """Moves on by `ms`, with timers running."""
        self.log.wait_until(self.ts + ms)

    def jump(self, ms: int) -> None:
        """Moves on by `ms` while no timer runs anywhere: whatever is due finds out at the next entry."""
        self.log.now_ms += ms

    def ends(self) -> dict[str, Any]:
        """Lets the running lot come to its end; its document."""
        while (due_ts := self.room.due_ts()) is not None:
            self.log.wait_until(due_ts)
        return self.lot

    # ---- commands

    def tell(self, told: Command) -> Verdict:
        return self.log.tell(told)

    def batch(self, *commands: Command) -> list[Verdict]:
        """Appends them as one entry."""
        return self.log.append(*commands).verdicts

    def opens(self, lot: str | None = None, **terms: Any) -> str:
        """The host opens a lot; its id. See `terms` for what may be said."""
        given = self.terms(lot, **terms)
        accepted(self.host.opens(given))
        return given.lot

    def terms(
        self,
        lot: str | None = None,
        *,
        start: int = 1000,
        increments: str | Increments | Sequence[tuple[int, int]] = "flat:100",
        reserve: int | None = None,
        exact: bool = False,
        preset: str = "live",
        clock: Timing | None = None,
        currency: str = "USD",
        title: str = "Camera",
        confirm_times: int = 0,
        limit: int | None = None,
        seller: str = "",
        product: str | None = None,
        **clock_ms: Any,
    ) -> m.Terms:
        """Terms of a lot as the edge would settle them. Large bids are not asked to be confirmed unless a test says so."""
        if lot is None:
            self._lots += 1
            lot = f"lot_{self._lots}"
        if isinstance(increments, str):
            table = named(increments, currency)
        else:
            table = increments if isinstance(increments, Increments) else custom(increments)
        pinned = clock or timing(preset, **clock_ms)
        assert isinstance(table, Increments), table
        assert isinstance(pinned, Timing), pinned
        return m.Terms(
            lot=lot,
            show=self.room.show,
            title=title,
            currency=currency,
            rules=Rules(start, reserve, exact, table),
            timing=pinned,
            product=product,
            seller=seller,
            confirm_times=confirm_times,
            limit=limit,
        )

    # ---- looking

    @property
    def state(self) -> m.AuctionState:
        return self.room.states["auction"]

    @property
    def current(self) -> str:
        return self.state.current

    @property
    def lot(self) -> dict[str, Any]:
        """The current lot as everybody sees it."""
        return self.snapshot()["lots"][self.current]

    def snapshot(self, viewer: Viewer = EVERYBODY) -> dict[str, Any]:
        """The auctions as this viewer sees them, their own part as "you"."""
        return {**self.room.snapshot()["auction"], "you": self.room.own(viewer)["auction"]}

    def told(self, kind: str, audience: str = ROOM) -> list[dict[str, Any]]:
        """Payloads of all events of this kind to that audience."""
        return [e.payload for _, _, e in self.events if e.type == kind and e.audience == audience]

    def public_events(self) -> list[dict[str, Any]]:
        """Everything told to the room, as it stands in a batch."""
        return [wire_event(e, seq, ts) for seq, ts, e in self.events if e.audience == ROOM]

    def replayed(self, upto: int | None = None) -> Room:
        """Another replica that reads the same entries (the first `upto` of them)."""
        room = Room(self.room.show, self.features)
        for entry in self.entries[:upto]:
            room.apply(entry)
        return room

    def restored(self, at: int) -> Room:
        """A replica that died after `at` entries and came back from a snapshot of then."""
        room = Room.load(self.replayed(at).dump(), self.features)
        for entry in self.entries[at:]:
            room.apply(entry)
        return room


def accepted(verdict: Verdict) -> dict[str, Any]:
    """The result of an accepted command; fails with the refusal otherwise."""
    assert isinstance(verdict, Decision), verdict
    return verdict.result


def refused(verdict: Verdict, code: str) -> Rejected:
    """The refusal, which must have this code."""
    assert isinstance(verdict, Rejected), f"accepted, but {code} was expected: {verdict}"
    assert verdict.code == code, verdict
    return verdict


def public(view: dict[str, Any]) -> dict[str, Any]:
    """A snapshot without what is its viewer's alone."""
    return {name: part for name, part in view.items() if name != "you"}


def brought_up_to_date(view: dict[str, Any], events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An old snapshot after these events, by the client's own reducer."""
    state = msgspec.json.decode(msgspec.json.encode(view))
    for event in events:
        auction_reducer.reduce(state, msgspec.json.decode(msgspec.json.encode(event)))
    return state
