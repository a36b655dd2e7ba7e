"""What a room says to all its viewers: ordered events in batches ("room"), and latest values ("state").

Frames are built once per format and written to everybody in slices. A third lane, "now" (replies, private events), needs no
queue: `Connection.tell` writes at once. So a reply is always sent before the batch that covers its command.

How the room lane flushes: at once while the room is quiet (an idle room is not batched, nor is a question and its answer);
in a busy one what gathers within the interval, or while a flush is under way, goes in one batch. A long flush gives the loop
back after every slice, so that bids are read meanwhile; and the more a flush costs the longer the interval becomes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from liveserver.gateway.codecs import Codec
from liveserver.gateway.connection import Connection
from liveserver.gateway.limits import Limits
from liveserver.gateway.stats import Stats
from liveserver.kernel.limits import TokenBucket
from liveserver.rooms.model import Event

SLICE = 64
"""Sockets written before the loop gets its turn: about a millisecond."""
PENDING_MAX = 20_000
"""Events that may wait for a flush. A room that makes more of them within one flush than viewers could ever read sends
them in several batches: at this many the next flush starts without waiting for the interval."""
BUSY_SHARE = 1.25
"""A flush that takes t is followed by the next no earlier than `BUSY_SHARE * t` after its start: half of the time stays
for everything else."""

QUIET_PER_S = 10
"""Flushes a second that need not wait for the interval: a room that has less to say than this is quiet. ..."""
QUIET_BURST = 4
"""... and so many of them may come one right after the other."""

Pending = tuple[int, int, Event]
"""Sequence number, ts, event."""


class Job:
    """A frame on its way to some connections; `at` of them have it."""

    __slots__ = ("at", "data", "group")

    def __init__(self, group: Sequence[Connection], data: bytes) -> None:
        self.group = group
        self.data = data
        self.at = 0

    def write(self, count: int) -> int:
        """Writes to the next `count` connections, or as many as are left; how many those were."""
        data, part = self.data, self.group[self.at : self.at + count]
        for connection in part:
            connection.send(data)
        self.at += len(part)
        return len(part)

    @property
    def done(self) -> bool:
        return self.at == len(self.group)


def condensed(pending: Iterable[Pending]) -> list[Pending]:
    """Without the events that a later one of the same type and lot supersedes (`Event.lot`)."""
    newest: set[tuple[str, str]] = set()
    kept: list[Pending] = []
    for item in reversed(list(pending)):
        event = item[2]
        if event.lot:
            key = (event.type, event.lot)
            if key in newest:
                continue
            newest.add(key)
        kept.append(item)
    kept.reverse()
    return kept


class Lanes:
    """The room and state lane of one show, and who is in them."""

    def __init__(self, show: str, epoch: int, seq: int, limits: Limits, stats: Stats) -> None:
        self.show = show
        self.epoch = epoch
        self.to = seq
        """Everything up to here was applied."""
        self.sent_to = seq
        """`to` of the last batch: where everybody in `_settled` is."""
        self._limits = limits
        self._stats = stats
        self._settled: dict[Codec, dict[Connection, None]] = {}
        self._fresh: dict[Connection, int] = {}
        """Who joined while events were waiting, and the seq of their snapshot: their first batch starts there."""
        self.pending: list[Pending] = []
        self._states: dict[str, tuple[int, dict[str, Any]]] = {}
        self._jobs: deque[Job] = deque()
        self._spare = TokenBucket(QUIET_PER_S, QUIET_BURST, 0)
        self.flushing = False
        self._asked = False
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._state_timer: asyncio.TimerHandle | None = None
        self._began_s = self._states_s = float("-inf")
        self._pause_s = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._settled.values())) + len(self._fresh)

    # Who

    def admit(self, connection: Connection, seq: int) -> int:
        """Takes in a viewer whose snapshot or events reach up to `seq`. Returns the position to tell them.

        Nothing between the two is lost or told twice: their first batch begins at the position returned.
        """
        assert seq == self.to, "a join happens between two entries, never inside one"
        if self.pending:
            self._fresh[connection] = seq
            return seq
        # Nothing but silent entries since the last batch: what reaches up to `seq` reaches up to `sent_to` as well, and
        # whoever stands there can be served by everybody's frame.
        self._settled.setdefault(connection.codec, {})[connection] = None
        return self.sent_to

    def dismiss(self, connection: Connection) -> None:
        """Lets a viewer go."""
        self._fresh.pop(connection, None)
        group = self._settled.get(connection.codec)
        if group is not None:
            group.pop(connection, None)

    # What

    def push(self, last: int, ts: int, events: Iterable[tuple[int, Event]]) -> None:
        """Adds an entry's public events. Silent entries only move `to`."""
        self.to = last
        before = len(self.pending)
        self.pending += [(seq, ts, event) for seq, event in events]
        if len(self.pending) > before:
            self._ask()

    def put(self, kind: str, ts: int, payload: dict[str, Any]) -> None:
        """Sets a latest value; only the newest of a kind is sent at a tick."""
        self._states[kind] = (ts, payload)
        if self._state_timer is None:
            loop = asyncio.get_running_loop()
            due_s = max(loop.time(), self._states_s + self._limits.state_interval_ms / 1000)
            self._state_timer = loop.call_at(due_s, self._states_due)

    def reset(self, epoch: int, seq: int) -> None:
        """The log was rebuilt: what waited is void. Everybody is sent an empty batch of the new epoch, which tells them to
        join again."""
        self.pending.clear()
        for connection in self._fresh:
            self._settled.setdefault(connection.codec, {})[connection] = None
        self._fresh.clear()
        self.epoch, self.to, self.sent_to = epoch, seq, seq
        self._queue(lambda codec: codec.frame(self._batch(seq, seq, [])))
        if not self.flushing:
            self.flushing = True
            self._began_s = asyncio.get_running_loop().time()
            self._write()

    def close(self) -> None:
        """Stops the timers; nothing is sent any more."""
        for timer in (self._timer, self._state_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._state_timer = None
        self._jobs.clear()

    # When

    def _ask(self) -> None:
        """Makes sure that a flush is coming."""
        if self.flushing or (self._timer is not None and len(self.pending) < PENDING_MAX):
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        now_s = loop.time()
        interval_s = max(self._limits.flush_interval_ms / 1000, self._pause_s)
        due_s = self._began_s + interval_s
        if due_s > now_s and self._spare.take(int(now_s * 1000)):
            due_s = self._began_s + self._pause_s
        if due_s <= now_s or len(self.pending) >= PENDING_MAX:
            # At the end of this turn of the loop: entries applied in the same turn share the batch.
            self._timer = loop.call_soon(self._flush)
        else:
            self._timer = loop.call_at(due_s, self._flush)

    def _states_due(self) -> None:
        self._state_timer = None
        self._states_s = asyncio.get_running_loop().time()
        if not self.flushing and self._timer is None:
            self._flush()
        # Otherwise the coming flush takes them along: one write for both lanes.

    def _flush(self) -> None:
        self._timer = None
        self.flushing = True
        self._began_s = asyncio.get_running_loop().time()
        states = self._take_states()
        if self.pending:
            self._queue_batches(states)
        elif states:
            self._queue(lambda codec: b"".join(codec.frame(document) for document in states))
        self._write()

    def _take_states(self) -> list[dict[str, Any]]:
        if not self._states or self._state_timer is not None:
            return []
        states, self._states = self._states, {}
        return [
            {"type": kind, "show": self.show, "ts": ts, "payload": payload}
            for kind, (ts, payload) in states.items()
        ]

    # How

    def _queue_batches(self, states: list[dict[str, Any]]) -> None:
        pending, self.pending = condensed(self.pending), []
        events = [(seq, _wire(seq, ts, event)) for seq, ts, event in pending]
        position, self.sent_to = self.sent_to, self.to
        tails = {codec: b"".join(codec.frame(document) for document in states) for codec in self._codecs()}
        batch = self._batch(position, self.to, [event for _, event in events])
        for codec, group in self._settled.items():
            if group:
                self._jobs.append(Job(list(group), codec.frame(batch) + tails[codec]))
        self._queue_fresh(events, tails)

    def _queue_fresh(self, events: list[tuple[int, dict[str, Any]]], tails: dict[Codec, bytes]) -> None:
        """Newcomers get the part of the batch that their snapshot does not hold; from then on they are like the others."""
        parts: dict[tuple[int, Codec], list[Connection]] = {}
        for connection, position in self._fresh.items():
            parts.setdefault((position, connection.codec), []).append(connection)
        for (position, codec), group in parts.items():
            later = [event for seq, event in events if seq > position]
            frame = codec.frame(self._batch(position, self.to, later)) if position < self.to else b""
            if frame or tails[codec]:
                self._jobs.append(Job(group, frame + tails[codec]))
            self._settled.setdefault(codec, {}).update(dict.fromkeys(group))
        self._fresh.clear()

    def _queue(self, build: Callable[[Codec], bytes]) -> None:
        for codec, group in self._settled.items():
            if group:
                self._jobs.append(Job(list(group), build(codec)))

    def _codecs(self) -> set[Codec]:
        return set(self._settled) | {connection.codec for connection in self._fresh}

    def _batch(self, position: int, to: int, events: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "events",
            "show": self.show,
            "epoch": self.epoch,
            "from": position,
            "to": to,
            "events": events,
        }

    def _write(self) -> None:
        """Writes one slice of the jobs, then lets the loop turn; at the end asks for the next flush if one is due."""
        left = SLICE
        while self._jobs and left > 0:
            job = self._jobs[0]
            written = job.write(left)
            self._stats.frames_sent += written
            left -= written
            if job.done:
                self._jobs.popleft()
        loop = asyncio.get_running_loop()
        if self._jobs:
            loop.call_soon(self._write)
            return
        self.flushing = False
        took_s = loop.time() - self._began_s
        self._pause_s = BUSY_SHARE * took_s
        self._stats.flushes += 1
        self._stats.flush_s.add(took_s)
        self._stats.flush_ms_max = max(self._stats.flush_ms_max, int(took_s * 1000))
        if self.pending or (self._states and self._state_timer is None):
            self._ask()


def _wire(seq: int, ts: int, event: Event) -> dict[str, Any]:
    return {"type": event.type, "seq": seq, "ts": ts, "payload": event.payload}
