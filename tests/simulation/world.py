"""A simulated show: one log, several replicas that lag, crash and recover, viewers who resume, all from one seed."""

import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from liveserver.cli.features import FEATURES
from liveserver.client import view
from liveserver.rooms.edge import command
from liveserver.rooms.history import wire_event
from liveserver.rooms.log import make_entry
from liveserver.rooms.model import ROOM, SYSTEM, Batch, Command, Entry
from liveserver.rooms.room import Applied, LogBroken, Room
from tests.simulation.oracle import Oracle
from tests.simulation.people import People

START_MS = 1_700_000_000_000


class Replica:
    """A node's room: takes entries in order, refuses others untouched, may lose its memory."""

    def __init__(self) -> None:
        self.room = Room("show_1", FEATURES)
        self.snapshots: list[bytes] = []

    def take(self, entry: Entry) -> Applied:
        return self.room.apply(entry)

    def crash(self, rng: random.Random, log: Sequence[Entry]) -> None:
        """Loses its memory; comes back from some snapshot, or none, and the log behind it."""
        seq = self.room.seq
        dump = rng.choice(self.snapshots) if self.snapshots and rng.random() < 0.8 else None
        self.room = Room("show_1", FEATURES) if dump is None else Room.load(dump, FEATURES)
        for entry in log:
            if self.room.seq < entry.first and entry.last <= seq:
                self.room.apply(entry)
        assert self.room.seq == seq


class Watching:
    """A viewer who took a snapshot once and has lived on events since."""

    def __init__(self, room: Room) -> None:
        self.view = public_snapshot(room)

    def told(self, applied: Sequence[Applied]) -> None:
        """The ordered events of these entries, in one frame: superseded ones left out, through JSON as on the wire."""
        events = [(seq, a.entry.ts, e) for a in applied for seq, e in a.events if e.audience == ROOM]
        newest = {(e.type, e.lot): i for i, (_, _, e) in enumerate(events) if e.lot}
        for i, (seq, ts, event) in enumerate(events):
            if not event.lot or newest[event.type, event.lot] == i:
                view.apply(self.view, json.loads(json.dumps(wire_event(event, seq, ts))))

    def check(self, room: Room) -> None:
        assert self.view == public_snapshot(room), "old snapshot + events == fresh snapshot"


def public_snapshot(room: Room) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(room.snapshot()))


class World:
    """Runs one history. `live` is the node that everything is sent to; the others follow as they can."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.people = People(self.rng)
        self.oracle = Oracle()
        self.log: list[Entry] = []
        self.now_ms = START_MS
        self.live = Replica()
        self.followers = [Replica(), Replica()]
        self.watching: list[Watching] = []
        self.unseen: list[Applied] = []

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._pass_time()
            self._append()
            self._disturb()
        self._let_lots_end()
        self._agree()

    def _pass_time(self) -> None:
        due_ts = self.live.room.due_ts()
        draw = self.rng.random()
        if due_ts is not None and draw < 0.12:
            # Around the very moment: just before, on, just after, and within what an allowance covers.
            self.now_ms = max(self.now_ms, due_ts + self.rng.choice((-2, -1, 0, 1, 2, 40, 120, 249, 251)))
        elif draw < 0.9:
            self.now_ms += self.rng.randrange(0, 700)
        elif draw < 0.92:
            self.now_ms += 60_000

    def _append(self) -> None:
        room = self.live.room
        # Commands of one batch are made by people who see the same state: some must lose.
        commands = [self.people.next(room) for _ in range(self.rng.choice((1, 1, 1, 2, 5)))]
        if self.rng.random() < 0.5:
            commands += self._confirmations()
        if self.rng.random() < 0.1:
            commands.append(self.rng.choice(commands))  # a duplicate right behind
        self._apply(commands)

    def _confirmations(self) -> list[Command]:
        """What a recorder that has caught up would append; two recorders may say it twice."""
        room = self.live.room
        return [
            command(own.kind, SYSTEM, own.args)
            for feature in FEATURES
            for own in feature.pending(room.states[feature.name])
            for _ in range(self.rng.choice((1, 1, 2)))
        ]

    def _apply(self, commands: Sequence[Command]) -> None:
        room = self.live.room
        salt = hashlib.sha256(self.rng.randbytes(8)).digest()[:16]
        payload = msgspec.msgpack.encode(Batch(salt, tuple(commands)))
        entry = make_entry(
            room.head, 1, room.seq + 1, len(commands), self.now_ms, "n", len(self.log) + 1, payload
        )
        self.log.append(entry)
        applied = self.live.take(entry)
        self.oracle.sees(applied)
        self.unseen.append(applied)

    def _disturb(self) -> None:
        rng = self.rng
        for follower in self.followers:
            if rng.random() < 0.5:
                self._catch_up(follower)
            if rng.random() < 0.05:
                self._offer_wrong_entry(follower)
            if rng.random() < 0.03:
                follower.snapshots = [*follower.snapshots[-2:], follower.room.dump()]
            if rng.random() < 0.03:
                follower.crash(rng, self.log)
        if rng.random() < 0.3:
            self._tell_viewers()
        if rng.random() < 0.05:
            self._tell_viewers()
            self.watching = [*self.watching[-4:], Watching(self.live.room)]

    def _tell_viewers(self) -> None:
        for watching in self.watching:
            watching.told(self.unseen)
            watching.check(self.live.room)
        self.unseen.clear()

    def _catch_up(self, follower: Replica) -> None:
        behind = [entry for entry in self.log if entry.first > follower.room.seq]
        for entry in behind[: self.rng.randrange(0, len(behind) + 1)]:
            follower.take(entry)

    def _offer_wrong_entry(self, follower: Replica) -> None:
        """A duplicate, an early one or a fork is refused, and nothing has changed."""
        wrong = self.rng.choice(self.log)
        if wrong.first == follower.room.seq + 1:
            wrong = msgspec.structs.replace(wrong, prev="f" * 40)
        before = follower.room.dump()
        try:
            follower.take(wrong)
        except LogBroken:
            assert follower.room.dump() == before
        else:
            raise AssertionError("an entry that is not the next one was taken")

    def _let_lots_end(self) -> None:
        while (due_ts := self.live.room.due_ts()) is not None:
            self.now_ms = max(self.now_ms, due_ts)
            self._apply([self.people.next(self.live.room)])
        self._tell_viewers()

    def _agree(self) -> None:
        live = self.live.room.dump()
        for follower in self.followers:
            for entry in self.log:
                if entry.first > follower.room.seq:
                    follower.take(entry)
            assert follower.room.dump() == live, "every replica is equal to the byte"
        replayed = Replica()
        for entry in self.log:
            replayed.take(entry)
        assert replayed.room.dump() == live, "live == replay"
        assert Room.load(live, FEATURES).dump() == live, "a snapshot is the room"
        self.oracle.at_the_end()
