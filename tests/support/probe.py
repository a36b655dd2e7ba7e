"""A feature and its routes that do on command whatever a gateway has to carry: public, private, staff and superseded events."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import EVERYBODY, HOSTS_ONLY, SIGNED_IN, Edge, Route, Settled
from liveserver.rooms.model import (
    PEOPLE,
    ROOM,
    STAFF_ONLY,
    Context,
    Decision,
    Event,
    Fact,
    Pending,
    Verdict,
    Viewer,
    one_by_one,
)


class Heard(msgspec.Struct):
    texts: list[str] = []
    prices: dict[str, int] = {}


class Say(msgspec.Struct, frozen=True):
    text: str
    to: str = ROOM


class Price(msgspec.Struct, frozen=True):
    lot: str
    price: int


class Said(Fact, tag="said"):
    text: str
    to: str


class Priced(Fact, tag="priced"):
    lot: str
    price: int


class Probe:
    name: ClassVar[str] = "probe"
    state: ClassVar[type[msgspec.Struct]] = Heard
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {"probe:say": Say, "probe:price": Price}
    facts: ClassVar[tuple[type[Fact], ...]] = (Said, Priced)
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = frozenset({"reaction:send"})

    def guard(self, state: Heard, kind: str, ctx: Context) -> Rejected | None:
        return Rejected("banned", "Not you.") if ctx.actor.name == "Banned" else None

    def due_ts(self, state: Heard) -> int | None:
        return None

    def advance(self, state: Heard, ctx: Context) -> Sequence[Fact]:
        return ()

    def decide(self, state: Heard, args: Any, ctx: Context) -> Verdict:
        if isinstance(args, Price):
            if args.price <= state.prices.get(args.lot, 0):
                return Rejected("bid_too_low", "Too low.", detail={"min_next": state.prices[args.lot] + 1})
            return Decision((Priced(lot=args.lot, price=args.price),), {"rtt_ms": ctx.rtt_ms})
        return Decision((Said(text=args.text, to=args.to),), {"length": len(args.text)})

    def evolve(self, state: Heard, fact: Any, ctx: Context) -> None:
        if isinstance(fact, Priced):
            state.prices[fact.lot] = fact.price
        elif fact.to == ROOM:
            state.texts.append(fact.text)

    def events(self, facts: Sequence[tuple[int, Any]], ts: int) -> list[tuple[int, Event]]:
        return one_by_one(self._told, facts, ts)

    def _told(self, fact: Any, seq: int, ts: int) -> Sequence[Event]:
        if isinstance(fact, Priced):
            return (Event("bid:accepted", {"lot": fact.lot, "price": fact.price}, ROOM, fact.lot),)
        if fact.to in (ROOM, STAFF_ONLY):
            return (Event("said", {"text": fact.text}, fact.to),)
        return (Event("said", {"text": fact.text}, PEOPLE, people=(fact.to,)),)

    def snapshot(self, state: Heard) -> dict[str, Any]:
        return {"texts": list(state.texts), "prices": dict(state.prices)}

    def own(self, state: Heard, viewer: Viewer) -> dict[str, Any]:
        return {"id": viewer.id}

    def pending(self, state: Heard) -> Sequence[Pending]:
        return ()


class SayPayload(msgspec.Struct, frozen=True):
    """Says something to the room, to somebody, or to the staff."""

    show: str
    text: str
    to: str = ROOM


class PricePayload(msgspec.Struct, frozen=True):
    """A bid in all but name."""

    show: str
    lot: str
    price: int


def _say(payload: SayPayload, edge: Edge) -> Settled:
    if payload.text == "crash":
        raise RuntimeError("a bug in a route")
    return Rejected("empty", "Nothing said.") if not payload.text else Say(payload.text, payload.to)


async def _say_slowly(payload: SayPayload, edge: Edge) -> Settled:
    await edge.shows.get(edge.show.id)
    return Say(payload.text, payload.to)


def _price(payload: PricePayload, edge: Edge) -> Settled:
    return Price(payload.lot, payload.price)


ROUTES = (
    Route("probe:say", SayPayload, "probe:say", _say, EVERYBODY, "chat", "Says something."),
    Route(
        "probe:slow", SayPayload, "probe:say", _say_slowly, EVERYBODY, "chat", "Says something after a look."
    ),
    Route("probe:staff", SayPayload, "probe:say", _say, HOSTS_ONLY, "host", "Says something as the host."),
    Route("bid:place", PricePayload, "probe:price", _price, SIGNED_IN, "bid", "Names a price."),
)

STAFF = STAFF_ONLY
