"""A show as this node's viewers see it: who is in, as what, and which event goes to whom.

One `ShowRoom` listens to one live room for all viewers of this node. How bytes get to sockets is `lanes`'; what a command
means is the room's.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from liveserver.accounts.model import Identity
from liveserver.catalog.service import Catalog
from liveserver.gateway import closecodes
from liveserver.gateway.codecs import Codec
from liveserver.gateway.connection import Connection
from liveserver.gateway.lanes import Lanes, condensed
from liveserver.gateway.limits import Limits
from liveserver.gateway.ports import Joined, LiveRoom, Presence
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.rooms.edge import OPEN, Edge, Gate
from liveserver.rooms.model import ROOM, STAFF, STAFF_ONLY, Actor, Event, Viewer
from liveserver.rooms.offers import ALONE, Offers
from liveserver.shows.model import Show
from liveserver.shows.rules import role_in
from liveserver.shows.service import Shows

STAGE = "stage"
"""Under which newcomers are kept what was told last of the stage."""
STICKY = frozenset({"viewer:count"})
"""Latest values that a newcomer is told at once; the others are moments that have passed."""


class Member:
    """A connection in a room: what its commands need, settled once instead of per command."""

    __slots__ = ("actor", "edge", "room")

    def __init__(self, room: "ShowRoom", actor: Actor) -> None:
        self.room = room
        self.actor = actor
        services = room.services
        self.edge = Edge(
            actor,
            room.record,
            services.catalog,
            services.shows,
            services.clock,
            services.offers,
            services.gate,
        )


class Services:
    """What rooms of the gateway use; the same for all."""

    __slots__ = ("catalog", "clock", "gate", "limits", "offers", "presence", "shows", "stats")

    def __init__(
        self,
        catalog: Catalog,
        shows: Shows,
        presence: Presence,
        clock: Clock,
        limits: Limits,
        stats: Stats,
        offers: Offers = ALONE,
        gate: Gate = OPEN,
    ) -> None:
        self.offers = offers
        self.gate = gate
        self.catalog = catalog
        self.shows = shows
        self.presence = presence
        self.clock = clock
        self.limits = limits
        self.stats = stats


class ShowRoom:
    """The viewers of one show on this node. See `ports.Listener` for who calls `on_applied` and `on_reset`."""

    def __init__(self, record: Show, live: LiveRoom, services: Services) -> None:
        self.record = record
        self.live = live
        self.services = services
        self.lanes = Lanes(live.show, live.epoch, live.seq, services.limits, services.stats)
        self.empty_since_ms = services.clock.monotonic_ms()
        """Monotonic ms since when nobody is in it; meaningful only while `members` is empty."""
        self.members: dict[Connection, Member] = {}
        self._staff: dict[Connection, None] = {}
        self._by_user: dict[str, dict[Connection, None]] = {}
        self._sticky: dict[str, dict[str, Any]] = {}
        # The live room gives the same object to everybody who joins at one seq and has missed the same; it is encoded once
        # per format.
        self._encoded: dict[tuple[Codec, str], tuple[Any, Any]] = {}
        live.add_listener(self)
        if record.stage:
            self._sticky[STAGE] = self._stage_document()

    # Coming and going

    def join(
        self, connection: Connection, identity: Identity, after: tuple[int, int] | None
    ) -> dict[str, Any]:
        """Lets a viewer in and gives the reply's payload. What they are here is decided anew with every join.

        Synchronous from the snapshot to the registration: no event is lost or doubled in between.
        """
        if connection in self.members:
            self._dismiss(connection)
        else:
            self.services.presence.enter(self.record.id)
        role = role_in(self.record, identity)
        joined = self.live.join(Viewer(identity.id, role), after)
        member = Member(self, Actor(identity.id, identity.name, role, identity.verified))
        self.members[connection] = connection.rooms[self.record.id] = member
        self._register(connection, member)
        position = self.lanes.admit(connection, joined.seq)
        self.services.stats.joins += 1
        self.services.stats.resumed += joined.recovered
        return {
            "show": self.record.id,
            "epoch": joined.epoch,
            "seq": position,
            "recovered": joined.recovered,
            **self._content(connection.codec, joined),
            "you": joined.you,
            "role": role,
            "server_now": self.live.server_now(),
        }

    def _content(self, codec: Codec, joined: Joined) -> dict[str, Any]:
        part, content = (
            ("events", joined.events) if joined.snapshot is None else ("snapshot", joined.snapshot)
        )
        known = self._encoded.get((codec, part))
        if known is None or known[0] is not content:
            known = self._encoded[codec, part] = (content, codec.embed(content))
        return {part: known[1]}

    def greet(self, connection: Connection) -> None:
        """Tells a newcomer the latest values, after the reply."""
        for document in self._sticky.values():
            connection.tell(document)

    def leave(self, connection: Connection) -> None:
        """Lets a viewer go; nothing happens if they are not in."""
        if connection in self.members:
            self._dismiss(connection)
            connection.rooms.pop(self.record.id, None)
            self.services.presence.leave(self.record.id)
            if not self.members:
                self.empty_since_ms = self.services.clock.monotonic_ms()

    def _register(self, connection: Connection, member: Member) -> None:
        if member.actor.role in STAFF:
            self._staff[connection] = None
        if connection.identity is not None and connection.identity.role != "guest":
            self._by_user.setdefault(member.actor.id, {})[connection] = None

    def _dismiss(self, connection: Connection) -> None:
        member = self.members.pop(connection)
        self.lanes.dismiss(connection)
        self._staff.pop(connection, None)
        own = self._by_user.get(member.actor.id)
        if own is not None:
            own.pop(connection, None)
            if not own:
                del self._by_user[member.actor.id]

    # What people are here

    def update(self, record: Show) -> None:
        """Takes in a changed record: people may have become moderators, or ceased to be."""
        before, self.record = self.record, record
        if record.stage != before.stage:
            self._tell_stage()
            # Nobody's rights hang on it, so nobody is looked at again for it alone.
            before = msgspec.structs.replace(before, stage=record.stage)
        if record == before:
            return
        for connection in tuple(self.members):
            self.reassess(connection)

    def reassess(self, connection: Connection) -> None:
        """Decides anew what a viewer is here, and tells them if it changed."""
        identity = connection.identity
        assert identity is not None, "only who said hello is in a room"
        before = self.members[connection].actor
        role = role_in(self.record, identity)
        member = Member(self, Actor(identity.id, identity.name, role, identity.verified))
        self.members[connection] = connection.rooms[self.record.id] = member
        self._staff.pop(connection, None)
        self._register(connection, member)
        if before != member.actor:
            payload = {"role": role, "verified": identity.verified}
            connection.tell(self._alone("you:changed", self.live.server_now(), payload))

    # What happens

    def on_applied(self, first: int, last: int, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        lanes = self.lanes
        if self.live.epoch != lanes.epoch or first > lanes.to + 1:
            # Rebuilt, or jumped ahead: what is missing here can't be told in order, so viewers come and get it.
            lanes.reset(self.live.epoch, first - 1)
        elif last <= lanes.to:
            return  # a rebuilt room tells again what it takes from the record; viewers have it
        public: list[tuple[int, Event]] = []
        staff: list[tuple[int, int, Event]] = []
        for item in events:
            event = item[1]
            if event.audience == ROOM:
                public.append(item)
            elif event.audience == STAFF_ONLY:
                staff.append((item[0], ts, event))
            else:
                self._tell_people(event, ts)
        if staff and self._staff:
            # The console, too, need not hear of 500 bids of one entry one by one.
            for _, _, event in condensed(staff):
                self._tell(self._staff, event, ts)
        lanes.push(last, ts, public)

    def _tell_people(self, event: Event, ts: int) -> None:
        by_user = self._by_user
        listeners = [connection for user in event.people for connection in by_user.get(user, ())]
        if listeners:
            self._tell(listeners, event, ts)

    def _tell(self, listeners: Iterable[Connection], event: Event, ts: int) -> None:
        """Writes an event that stands alone; framed once for each format."""
        document = self._alone(event.type, ts, event.payload)
        frames: dict[Codec, bytes] = {}
        for connection in tuple(listeners):
            codec = connection.codec
            frame = frames.get(codec)
            if frame is None:
                frame = frames[codec] = codec.frame(document)
            connection.send(frame)

    def _stage_document(self) -> dict[str, Any]:
        people, ts = msgspec.to_builtins(self.record.stage), self.live.server_now()
        if not people:
            return self._alone("stage:off", ts, {})
        return self._alone("stage:live", ts, {"people": people})

    def _tell_stage(self) -> None:
        """At once and not with the latest values: `stage:live` and `stage:off` are two kinds, whose order must stay."""
        document = self._sticky[STAGE] = self._stage_document()
        self._tell(self.members, Event(document["type"], document["payload"]), document["ts"])

    def on_reset(self, epoch: int, seq: int) -> None:
        self._encoded.clear()
        self.lanes.reset(epoch, seq)

    def on_halted(self) -> None:
        """This node is of no use to the show's viewers: they find it on another one."""
        for connection in tuple(self.members):
            connection.close(closecodes.ELSEWHERE)

    def on_state(self, kind: str, payload: dict[str, Any]) -> None:
        """A latest value changed (viewer count, reactions)."""
        ts = self.live.server_now()
        if kind in STICKY:
            self._sticky[kind] = self._alone(kind, ts, payload)
        self.lanes.put(kind, ts, payload)

    def react(self, member: Member, emoji: str) -> Rejected | None:
        """Counts a reaction, unless a feature has something against it (banned)."""
        refused = self.live.room.refusal("reaction:send", member.actor, self.live.server_now())
        return refused if refused is not None else self.services.presence.react(self.record.id, emoji)

    def _alone(self, kind: str, ts: int, payload: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "show": self.record.id, "ts": ts, "payload": payload}

    def close(self) -> None:
        """Stops listening; used when nobody is left."""
        self.live.remove_listener(self)
        self.lanes.close()
