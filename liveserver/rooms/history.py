"""The recent public events of a room, so that a viewer who was away for a moment gets just what was missed.

Bounded: who was away longer takes a fresh snapshot. Older events are in the record (`recorded_events`).
"""

from collections import OrderedDict
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
        self._events: OrderedDict[int, tuple[int, dict[str, Any]]] = OrderedDict()
        self._count = 0
        self._newest: dict[tuple[str, str], int] = {}
        self._read: tuple[int, list[dict[str, Any]]] | None = None

    def extend(self, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        """Adds the public ones of an entry's events.

        What a new one supersedes (`Event.lot`) goes: whoever resumes does so up to the present, as if all that was missed
        came in one batch. So a viewer who was away for 5,000 bids gets one.
        """
        for seq, event in events:
            if event.audience != ROOM:
                continue
            self._count += 1
            if event.lot:
                key = (event.type, event.lot)
                self._events.pop(self._newest.get(key, 0), None)
                self._newest[key] = self._count
            self._events[self._count] = (seq, wire_event(event, seq, ts))
            self._read = None
        while len(self._events) > EVENTS_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """All events of one command leave together: half a command would be a loss that nobody sees."""
        self.floor = self._events[next(iter(self._events))][0]
        while self._events and self._events[first := next(iter(self._events))][0] == self.floor:
            event = self._events.pop(first)[1]
            key = (event["type"], event["payload"].get("lot", ""))
            if self._newest.get(key) == first:
                del self._newest[key]

    def after(self, seq: int) -> list[dict[str, Any]] | None:
        """Events behind `seq`, or None when some of them are no longer here. The same list to all who ask for the same at one
        moment: ten thousand who were cut off together missed the same."""
        if seq < self.floor:
            return None
        if self._read is not None and self._read[0] == seq:
            return self._read[1]
        found: list[dict[str, Any]] = []
        for at, event in reversed(self._events.values()):
            if at <= seq:
                break
            found.append(event)
        found.reverse()
        self._read = seq, found
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
