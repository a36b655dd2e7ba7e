"""The feature "show": a show starts once and ends once, and lots need a live show.

Creating and scheduling a show is a record (`liveserver.shows`), not the room's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import HOSTS_ONLY, Edge, Route, Settled
from liveserver.rooms.model import (
    Context,
    Decision,
    Event,
    Fact,
    Feature,
    Pending,
    Verdict,
    Viewer,
    one_by_one,
)


class ShowState(msgspec.Struct, omit_defaults=True):
    """`status` follows the log; the record's copy follows the facts."""

    status: Literal["scheduled", "live", "ended"] = "scheduled"
    started_at: int | None = None
    ended_at: int | None = None


class Start(msgspec.Struct, frozen=True):
    """Arguments of `show:start`: none."""


class End(msgspec.Struct, frozen=True):
    """Arguments of `show:end`: none."""


class Tick(msgspec.Struct, frozen=True):
    """Arguments of `show:tick`: none. Any entry lets time take effect; this one exists for when nobody else speaks."""


class ShowStarted(Fact, tag="show_started"):
    """The show went live."""

    by: str


class ShowEnded(Fact, tag="show_ended"):
    """The show is over; no lot opens any more."""

    by: str


NOT_LIVE = Rejected("show_not_live", "The show has not started yet.")
OVER = Rejected("show_ended", "The show is over.")


class Lifecycle:
    """See `model.Feature`."""

    name: ClassVar[str] = "show"
    state: ClassVar[type[msgspec.Struct]] = ShowState
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "show:start": Start,
        "show:end": End,
        "show:tick": Tick,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = (ShowStarted, ShowEnded)
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = frozenset(
        {"lot:open", "bid:place", "spotlight:set", "spotlight:offer", "spotlight:buy"}
    )

    def guard(self, state: ShowState, kind: str, ctx: Context) -> Rejected | None:
        if state.status == "live":
            return None
        if state.status == "ended":
            return OVER
        # A host may set the stage before going live.
        return None if kind in {"spotlight:set", "spotlight:offer"} else NOT_LIVE

    def due_ts(self, state: ShowState) -> int | None:
        return None

    def advance(self, state: ShowState, ctx: Context) -> Sequence[Fact]:
        return ()

    def decide(self, state: ShowState, command: Start | End | Tick, ctx: Context) -> Verdict:
        if isinstance(command, Tick):
            return Decision(())
        if state.status == "ended":
            return OVER
        if isinstance(command, Start):
            if state.status == "live":
                return Rejected("show_live", "The show is live already.")
            return Decision((ShowStarted(by=ctx.actor.id),), {"status": "live"})
        if state.status == "scheduled":
            return NOT_LIVE
        return Decision((ShowEnded(by=ctx.actor.id),), {"status": "ended"})

    def evolve(self, state: ShowState, fact: ShowStarted | ShowEnded, ctx: Context) -> None:
        if isinstance(fact, ShowStarted):
            state.status, state.started_at = "live", ctx.ts
        else:
            state.status, state.ended_at = "ended", ctx.ts

    def events(
        self, facts: Sequence[tuple[int, ShowStarted | ShowEnded]], ts: int
    ) -> list[tuple[int, Event]]:
        return one_by_one(_told, facts, ts)

    def snapshot(self, state: ShowState) -> dict[str, Any]:
        return {"status": state.status, "started_at": state.started_at, "ended_at": state.ended_at}

    def own(self, state: ShowState, viewer: Viewer) -> dict[str, Any]:
        return {}

    def pending(self, state: ShowState) -> Sequence[Pending]:
        return ()


def _told(fact: ShowStarted | ShowEnded, seq: int, ts: int) -> Sequence[Event]:
    if isinstance(fact, ShowStarted):
        return (Event("show:started", {"status": "live", "started_at": ts}),)
    return (Event("show:ended", {"status": "ended", "ended_at": ts}),)


_checked: Feature = Lifecycle()


class StartPayload(msgspec.Struct, frozen=True):
    """`show:start`, `show:end`."""

    show: str


def _settle_start(payload: StartPayload, edge: Edge) -> Settled:
    return Start()


def _settle_end(payload: StartPayload, edge: Edge) -> Settled:
    return End()


ROUTES: tuple[Route, ...] = (
    Route(
        "show:start",
        StartPayload,
        "show:start",
        _settle_start,
        HOSTS_ONLY,
        "host",
        "Goes live: lots can be opened.",
    ),
    Route(
        "show:end",
        StartPayload,
        "show:end",
        _settle_end,
        HOSTS_ONLY,
        "host",
        "Ends the show; refused while a lot runs.",
    ),
)
