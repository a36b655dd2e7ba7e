"""One room without a log or a network: tests say who does what and when, and look at verdicts, events and snapshots.

It appends entries by hand; what the real log adds (fences, nonces, hashes of content) is tested with the log.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import command
from liveserver.rooms.model import ROOM, Actor, Batch, Decision, Entry, Event, Feature, Role, Verdict, Viewer
from liveserver.rooms.room import Room

START_TS = 1_700_000_000_000


def person(name: str, role: Role = "viewer") -> Actor:
    """Somebody with an id of their own: Ana is u_ana."""
    return Actor(f"u_{name.lower()}", name, role)


class Replica:
    """A room of the given features, and the clock of its log."""

    def __init__(self, *features: Feature) -> None:
        self.features = features
        self.room = Room("show_1", features)
        self.ts = START_TS
        self.events: list[tuple[int, int, Event]] = []
        """All so far, with sequence number and ts."""

    def wait(self, ms: int) -> None:
        self.ts += ms

    def appends(self, actor: Actor, kind: str, args: msgspec.Struct) -> Verdict:
        batch = msgspec.msgpack.encode(Batch(b"salt", (command(kind, actor, args),)))
        first = self.room.seq + 1
        entry = Entry(1, first, self.ts, "n1", first, self.room.head, f"h{first}", batch, 1)
        applied = self.room.apply(entry)
        self.events += [(seq, self.ts, event) for seq, event in applied.events]
        return applied.verdicts[0]

    def does(self, actor: Actor, kind: str, args: msgspec.Struct) -> dict[str, Any]:
        """The result of what must be accepted."""
        verdict = self.appends(actor, kind, args)
        assert isinstance(verdict, Decision), f"{actor.name}'s {kind} was refused: {verdict}"
        return verdict.result

    def refuses(self, actor: Actor, kind: str, args: msgspec.Struct) -> Rejected:
        """The refusal of what must not be accepted."""
        verdict = self.appends(actor, kind, args)
        assert isinstance(verdict, Rejected), f"{actor.name}'s {kind} was accepted"
        return verdict

    def told(self, audience: str = ROOM) -> list[tuple[str, dict[str, Any]]]:
        """Types and payloads of all events so far for one audience."""
        return [(e.type, e.payload) for _, _, e in self.events if e.audience == audience]

    def told_to(self, user: str) -> list[tuple[str, dict[str, Any]]]:
        """The same for one person."""
        return [(e.type, e.payload) for _, _, e in self.events if user in e.people]

    def snapshot(self, feature: str, role: Role = "viewer", user: str = "u_somebody") -> dict[str, Any]:
        """A feature's part as this viewer sees it, their own part as "you"."""
        own = self.room.own(Viewer(user, role)).get(feature)
        return self.room.snapshot()[feature] | ({} if own is None else {"you": own})

    def wire_events(self) -> list[Mapping[str, Any]]:
        """The room's events so far as clients get them."""
        return [
            {"type": e.type, "seq": seq, "ts": ts, "payload": e.payload}
            for seq, ts, e in self.events
            if e.audience == ROOM
        ]

    def assert_survives_storage(self) -> None:
        """The room that was dumped and loaded is the room."""
        dumped = self.room.dump()
        assert Room.load(dumped, self.features).dump() == dumped
