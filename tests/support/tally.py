"""The smallest feature that uses all a feature can: a sum, things due by time, things waiting for the record."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.model import (
    Actor,
    Command,
    Context,
    Decision,
    Event,
    Fact,
    Pending,
    Verdict,
    Viewer,
    one_by_one,
)

SUM_MAX = 1_000_000


class Sum(msgspec.Struct):
    total: int = 0
    due: list[int] = []
    promised: dict[str, int] = {}
    kept: int = 0


class Add(msgspec.Struct, frozen=True):
    n: int


class AddLater(msgspec.Struct, frozen=True):
    in_ms: int


class Promise(msgspec.Struct, frozen=True):
    name: str


class Keep(msgspec.Struct, frozen=True):
    name: str


class Added(Fact, tag="added"):
    n: int
    total: int


class Scheduled(Fact, tag="scheduled"):
    at: int


class Promised(Fact, tag="promised"):
    milestone: ClassVar[bool] = True
    name: str


class Kept(Fact, tag="kept"):
    name: str


class Tally:
    name: ClassVar[str] = "tally"
    state: ClassVar[type[msgspec.Struct]] = Sum
    commands: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "tally:add": Add,
        "tally:later": AddLater,
        "tally:promise": Promise,
        "tally:keep": Keep,
    }
    facts: ClassVar[tuple[type[Fact], ...]] = (Added, Scheduled, Promised, Kept)
    versions: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[frozenset[str]] = frozenset()
    fails_at: int = -1
    """A total at which this replica's evolve breaks, as if memory had run out on one node only."""

    def guard(self, state: Sum, kind: str, ctx: Context) -> Rejected | None:
        return None

    def due_ts(self, state: Sum) -> int | None:
        return min(state.due, default=None)

    def advance(self, state: Sum, ctx: Context) -> Sequence[Fact]:
        return (Added(n=1, total=state.total + 1),)

    def decide(self, state: Sum, args: Any, ctx: Context) -> Verdict:
        if isinstance(args, Add):
            if state.total + args.n > SUM_MAX:
                return Rejected("too_much", "The sum would be too large.")
            total = state.total + args.n
            return Decision((Added(n=args.n, total=total),), {"total": total})
        if isinstance(args, AddLater):
            return Decision((Scheduled(at=ctx.ts + args.in_ms),))
        if isinstance(args, Promise):
            return Decision((Promised(name=args.name),))
        if args.name not in state.promised:
            return Rejected("kept", "This was kept before.")
        return Decision((Kept(name=args.name),))

    def evolve(self, state: Sum, fact: Any, ctx: Context) -> None:
        match fact:
            case Added():
                if fact.total == self.fails_at:
                    self.fails_at = -1
                    raise MemoryError("only this node ran out of memory")
                state.total = fact.total
                if state.due and min(state.due) <= ctx.ts:
                    state.due.remove(min(state.due))
            case Scheduled():
                state.due.append(fact.at)
            case Promised():
                state.promised[fact.name] = ctx.seq
            case Kept():
                del state.promised[fact.name]
                state.kept += 1

    def events(self, facts: Sequence[tuple[int, Any]], ts: int) -> list[tuple[int, Event]]:
        return one_by_one(self._told, facts, ts)

    def _told(self, fact: Any, seq: int, ts: int) -> Sequence[Event]:
        match fact:
            case Added():
                return (Event("tally:added", {"total": fact.total}),)
            case Kept():
                return (Event("tally:kept", {"name": fact.name}),)
            case _:
                return ()

    def snapshot(self, state: Sum) -> dict[str, Any]:
        return {"total": state.total, "kept": state.kept}

    def own(self, state: Sum, viewer: Viewer) -> dict[str, Any]:
        return {"id": viewer.id}

    def pending(self, state: Sum) -> Sequence[Pending]:
        return [Pending(seq, "tally:keep", Keep(name)) for name, seq in state.promised.items()]


ANA = Actor("u_ana", "Ana", "viewer")


def add(n: int = 1, *, number: int = 0, client: str = "") -> Command:
    return command("tally:add", ANA, Add(n), client=client, number=number)


def later(in_ms: int) -> Command:
    return command("tally:later", ANA, AddLater(in_ms))


def promise(name: str) -> Command:
    return command("tally:promise", ANA, Promise(name))
