"""What docs/PROTOCOL.md promises every viewer, held against what one viewer is really sent. Pure: no socket, no clock.

It reads the raw messages beside the client's own protocol, which would repair a loss in silence. Every method gives the
sentences that say what was broken; none is the good case.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

SAID_MAX = 64
"""Own chat messages remembered as waiting to be heard, and as heard; a person who has more on the way is not one. The
oldest is forgotten."""
BEHIND_MS = 5_000
"""A viewer who after so long does not have what another viewer has was forgotten by the server."""
MARKS_MS = 500
"""How finely it is remembered when what was seen."""


class Position(msgspec.Struct, frozen=True):
    """Everything up to `seq` of `epoch` is here."""

    epoch: int
    seq: int


class Audit:
    """One viewer's book over their connections.

    >>> audit = Audit()
    >>> audit.joined({"epoch": 1, "seq": 7, "recovered": False, "snapshot": {}})
    []
    >>> audit.batch({"epoch": 1, "from": 7, "to": 8, "events": [{"type": "chat:new", "seq": 8}]})
    []
    >>> audit.batch({"epoch": 1, "from": 9, "to": 10, "events": []})
    ['a gap: 9 to 10 came after 8']
    """

    def __init__(self) -> None:
        self.position: Position | None = None
        self.batches = 0
        self.events = 0
        self.last_event = Position(0, 0)
        """Of the newest event that came; what `Newest` compares."""
        self.me = ""
        """One's id, by which own messages are known; "" for a guest, who says nothing."""
        self._joined = False
        self._whole = False
        """Whether everything since the connection before was told as events, not as a snapshot."""
        self._said: deque[tuple[int, str]] = deque(maxlen=SAID_MAX)
        self._heard: deque[str] = deque(maxlen=SAID_MAX)

    def left(self) -> None:
        """The connection is gone; the position stays."""
        self._joined = False

    def joined(self, reply: Mapping[str, Any]) -> list[str]:
        """The reply to `room:join`, with what was missed or a snapshot."""
        before, self._joined = self.position, True
        epoch, seq = reply["epoch"], reply["seq"]
        self._whole = reply["recovered"]
        if not reply["recovered"]:
            self.position = Position(epoch, seq)
            self._said.clear()  # what was said meanwhile is part of the snapshot, or was long ago
            return []
        if before is None or before.epoch != epoch:
            self.position = Position(epoch, seq)
            return [f"recovered epoch {epoch} for a viewer of {before.epoch if before else 'none'}"]
        # Another node may count fewer silent entries than the one we came from; we still have what we had.
        self.position = Position(epoch, max(seq, before.seq))
        return self._count(reply["events"], before.seq, self.position.seq)

    def batch(self, message: Mapping[str, Any]) -> list[str]:
        """An `events` message."""
        here = self.position
        if not self._joined or here is None:
            return []  # the reply to the join that is under way covers it
        if message["epoch"] != here.epoch:
            self._joined = False  # a rebuilt log is announced so, and is no loss
            return []
        first, last = message["from"], message["to"]
        if last <= here.seq and message["events"]:
            return []  # on its way while we joined
        if first > here.seq:
            self._joined = False  # the client joins again
            return [f"a gap: {first} to {last} came after {here.seq}"]
        self.batches += 1
        self.position = Position(here.epoch, max(last, here.seq))
        return self._count([e for e in message["events"] if e["seq"] > here.seq], here.seq, last)

    def answered(self, seq: int, *, on_this_connection: bool) -> list[str]:
        """A command's reply: it comes before the batch whose `to` covers its `seq`. A repeated command's may come later."""
        here = self.position
        if here is not None and on_this_connection and 0 < seq <= here.seq:
            return [f"the reply to {seq} came after its batch ({here.seq})"]
        return []

    def said(self, message: str, seq: int, *, repeated: bool) -> None:
        """One's own chat message was accepted: it has to come back as an event by `seq`, if it has not come before.

        The answer to a repetition has the repetition's own `seq`; the message stands somewhere before that.
        """
        told_by_snapshot = repeated and not self._whole
        if message not in self._heard and not told_by_snapshot:
            self._said.append((seq, message))

    def _count(self, events: Sequence[Mapping[str, Any]], after: int, to: int) -> list[str]:
        wrong: list[str] = []
        seq = after
        for event in events:
            if not max(seq, after + 1) <= event["seq"] <= to:
                wrong.append(f"event {event['seq']} stands in {after} to {to} behind {seq}")
            seq = event["seq"]
        self.events += len(events)
        if events and self.position is not None:
            self.last_event = Position(self.position.epoch, seq)
        if self.me:
            self._hear(events)
        while self._said and self._said[0][0] <= to:
            seq, message = self._said.popleft()
            if message not in self._heard:
                wrong.append(f"a chat message was accepted at {seq} and not told by {to}")
        return wrong

    def _hear(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            if event["type"] == "chat:new" and event["payload"]["user"]["id"] == self.me:
                self._heard.append(event["payload"]["id"])


class Newest:
    """What the best-served viewer had some time ago. Gaps show themselves; a viewer who is sent nothing at all does not."""

    def __init__(self) -> None:
        self._epoch = -1
        self._marks: deque[tuple[int, int]] = deque(maxlen=2 * BEHIND_MS // MARKS_MS)

    def seen(self, event: Position, now_ms: int) -> None:
        """A viewer was told an event. (Not: got so far. Positions count entries without events, which nobody waits for.)"""
        if event.epoch > self._epoch:
            self._epoch = event.epoch
            self._marks.clear()
        if event.epoch == self._epoch and (not self._marks or now_ms - self._marks[-1][0] >= MARKS_MS):
            self._marks.append((now_ms, event.seq))

    def missing(self, position: Position, now_ms: int) -> int:
        """How many sequence numbers that viewer's position is behind an event that another had `BEHIND_MS` ago; or 0."""
        if position.epoch != self._epoch:
            return 0
        for at_ms, seq in reversed(self._marks):
            if now_ms - at_ms >= BEHIND_MS:
                return max(0, seq - position.seq)
        return 0
