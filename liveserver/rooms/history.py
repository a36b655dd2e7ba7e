"""The recent public events of a room, so that a viewer who was away for a moment gets just what was missed.

Bounded: who was away longer takes a fresh snapshot. Older events are in the record (`recorded_events`).
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.model import ROOM, Event, Fact, Feature

EVENTS_MAX = 4_000
"""Events kept: some minutes of a busy chat, under 2 MB a room. The oldest go first."""


def wire_event(event: Event, seq: int, ts: int) -> dict[str, Any]:
    """An ordered event as it stands in a batch."""
    return {"type": event.type, "seq": seq, "ts": ts, "payload": event.payload}


class History:
    """What happened behind `floor`, in order, up to the room's present."""

    def __init__(self, seq: int) -> None:
        self.floor = seq
        """Everything behind this sequence number is here."""
        self._events: deque[tuple[int, dict[str, Any]]] = deque()

    def extend(self, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        """Adds the public ones of an entry's events."""
        for seq, event in events:
            if event.audience == ROOM:
                self._events.append((seq, wire_event(event, seq, ts)))
        while len(self._events) > EVENTS_MAX:
            # All events of one command leave together: half a command would be a loss that nobody sees.
            self.floor = self._events[0][0]
            while self._events and self._events[0][0] == self.floor:
                self._events.popleft()

    def after(self, seq: int) -> list[dict[str, Any]] | None:
        """Events behind `seq`, or None when some of them are no longer here."""
        if seq < self.floor:
            return None
        found: list[dict[str, Any]] = []
        for at, event in reversed(self._events):
            if at <= seq:
                break
            found.append(event)
        found.reverse()
        return found


class RecordedEvents(msgspec.Struct, frozen=True):
    """A page of catch-up. `next` is the sequence number to continue after, or None at the record's end."""

    items: list[dict[str, Any]]
    next: int | None


async def recorded_events(
    pool: Pool, features: Sequence[Feature], show: str, after: int, limit: int
) -> RecordedEvents:
    """The public events behind `after`, as the socket told them, from at most about `limit` recorded facts."""
    kinds: dict[str, tuple[Feature, type[Fact]]] = {
        str(fact.__struct_config__.tag): (feature, fact) for feature in features for fact in feature.facts
    }
    rows = await store.facts_after(pool, show, after, limit)
    more = len(rows) == limit
    if more and rows[0].seq != rows[-1].seq:
        # The last command's facts may go on behind the limit: leave it to the next page, whole.
        rows = [row for row in rows if row.seq != rows[-1].seq]
    items: list[dict[str, Any]] = []
    for row in rows:
        feature, fact_type = kinds[row.kind]
        fact = msgspec.convert({"type": row.kind, **row.payload}, fact_type)
        items.extend(
            wire_event(event, row.seq, row.ts)
            for _, event in feature.events([(row.seq, fact)], row.ts)
            if event.audience == ROOM
        )
    return RecordedEvents(items, rows[-1].seq if more else None)
