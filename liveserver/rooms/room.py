"""The room: a deterministic replica of one show, advanced by log entries and by nothing else.

It does no I/O and reads no clock: live rooms, recovery, `replay`, `verify` and the simulation all run this one class.
What it does not do: talk to Redis (`log`), keep itself up to date (`replica`) or speak to viewers (the gateway).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import (
    LOG_VERSION,
    SYSTEM,
    Actor,
    Batch,
    Command,
    Context,
    Decision,
    Entry,
    Event,
    Fact,
    Feature,
    Verdict,
    Viewer,
)
from liveserver.rooms.paces import Paces
from liveserver.rooms.verdicts import Verdicts
from liveserver.rooms.whole import Strange, decoded

SNAPSHOT_VERSION = 3
"""Layout of `Room.dump`, of the features' states too: raised with every change of theirs, so that an older release passes over a
snapshot of which it would lose a part (faults.md, row 25; tests/rooms/test_layout.py holds the two together)."""
_ADVANCES_MAX = 1_000
"""More steps of time than this in one entry mean that a feature's `due_ts` does not move: a broken promise."""

_batch_decoder = msgspec.msgpack.Decoder(Batch)


class LogBroken(Exception):
    """The next entry does not continue what this room has: a gap, a fork or an unknown command. The room must be rebuilt."""


class Applied(msgspec.Struct):
    """What one entry came to. `verdicts[i]` answers `commands[i]`, whose sequence number is `entry.first + i`."""

    entry: Entry
    commands: tuple[Command, ...]
    verdicts: list[Verdict]
    facts: list[tuple[int, Fact]]
    """With the sequence number of the command they belong to; what time brought about belongs to the first."""
    events: list[tuple[int, Event]]
    repeats: dict[int, tuple[int, int]] = {}
    """Of commands that were sent again, by their sequence number: seq and ts of the entry that decided them first."""


class _Image(msgspec.Struct):
    """A room's state as it is stored: feature states stay encoded, each in the form of its own type."""

    version: int
    show: str
    epoch: int
    seq: int
    ts: int
    head: str
    verdicts: Verdicts
    states: dict[str, msgspec.Raw]
    paces: Paces = msgspec.field(default_factory=Paces)
    """Since layout 2."""


class Room:
    """A show's state, and the one way to change it: `apply`.

    `seq`, `ts` and `head` are those of the last entry applied (0, 0 and "" for a new room).
    """

    def __init__(self, show: str, features: Sequence[Feature], *, epoch: int = 1) -> None:
        self.show = show
        self.features = tuple(features)
        self.epoch = epoch
        self.seq = 0
        self.ts = 0
        self.head: str = ""
        self.verdicts = Verdicts()
        self.paces = Paces()
        self.states: dict[str, Any] = {f.name: f.state() for f in self.features}
        self._deciders = {
            kind: (
                f,
                msgspec.msgpack.Decoder(args).decode,
                tuple(g for g in self.features if kind in g.guards),
            )
            for f in self.features
            for kind, args in f.commands.items()
        }
        self._owners: dict[type[Fact], Feature] = {kind: f for f in self.features for kind in f.facts}

    def apply(self, entry: Entry) -> Applied:
        """Applies the next entry of the log.

        Raises LogBroken if it is not the next one, its chain forks, or it holds a kind that no feature knows. After any
        exception the room is spent and must be rebuilt from a snapshot: `evolve` may have stopped half-way.
        """
        if entry.epoch != self.epoch or entry.first != self.seq + 1:
            raise LogBroken(
                f"show {self.show}: expected {self.epoch}/{self.seq + 1}, got {entry.epoch}/{entry.first}"
            )
        if entry.prev != self.head:
            raise LogBroken(f"show {self.show}: entry {entry.first} continues {entry.prev}, not {self.head}")
        seq = entry.first
        try:
            batch = _batch_decoder.decode(entry.payload)
            if batch.version > LOG_VERSION:
                raise LogBroken(
                    f"show {self.show}: entry {seq} is of form {batch.version}, written by a newer release"
                )
            applied = Applied(entry, batch.commands, [], [], [])
            self._advance(Context(seq, entry.ts, SYSTEM, 0, batch.salt), applied)
            for command in batch.commands:
                ctx = Context(seq, entry.ts, command.actor, command.rtt_ms, batch.salt)
                applied.verdicts.append(self._answer(command, ctx, applied))
                seq += 1
        except msgspec.MsgspecError as error:
            raise LogBroken(f"show {self.show}: what stands at {seq} can't be read here: {error}") from error
        assert seq == entry.first + entry.count, "an entry's count is the number of its commands"
        applied.events = self._told(applied.facts, entry.ts)
        self.seq = entry.last
        self.ts = entry.ts
        self.head = entry.hash
        return applied

    def _advance(self, ctx: Context, applied: Applied) -> None:
        for _ in range(_ADVANCES_MAX):
            moved = False
            for feature in self.features:
                state = self.states[feature.name]
                due_ts = feature.due_ts(state)
                if due_ts is not None and due_ts <= ctx.ts:
                    self._evolve(feature.advance(state, ctx), ctx, applied)
                    moved = True
            if not moved:
                return
        raise AssertionError("a feature's due_ts must move when its advance was evolved")

    def _answer(self, command: Command, ctx: Context, applied: Applied) -> Verdict:
        if command.client:
            first = self.verdicts.find(command)
            if first is not None:
                if first.seq:
                    applied.repeats[ctx.seq] = (first.seq, first.ts)
                return first.verdict
        if command.every_ms:
            too_fast = self.paces.refusal(command, ctx.ts)
            if too_fast is not None:
                return too_fast  # not remembered: the same command may be sent again after the wait
        verdict = self._decide(command, ctx)
        if isinstance(verdict, Decision):
            self._evolve(verdict.facts, ctx, applied)
        if command.client:
            self.verdicts.remember(command, verdict, ctx.seq, ctx.ts)
        return verdict

    def _decide(self, command: Command, ctx: Context) -> Verdict:
        known = self._deciders.get(command.kind)
        if known is None:
            raise LogBroken(
                f"show {self.show}: nobody here knows {command.kind!r}; is a newer release running beside this one?"
            )
        feature, decode, guards = known
        for guard in guards:
            refusal = guard.guard(self.states[guard.name], command.kind, ctx)
            if refusal is not None:
                return refusal
        return feature.decide(self.states[feature.name], decode(command.args), ctx)

    def _evolve(self, facts: Sequence[Fact], ctx: Context, applied: Applied) -> None:
        for fact in facts:
            feature = self._owners[type(fact)]
            feature.evolve(self.states[feature.name], fact, ctx)
            applied.facts.append((ctx.seq, fact))

    def _told(self, facts: list[tuple[int, Fact]], ts: int) -> list[tuple[int, Event]]:
        """The events of an entry's facts; facts of one feature that follow each other are handed to it together."""
        told: list[tuple[int, Event]] = []
        start = 0
        while start < len(facts):
            feature = self._owners[type(facts[start][1])]
            end = start + 1
            while end < len(facts) and self._owners[type(facts[end][1])] is feature:
                end += 1
            told += feature.events(facts[start:end], ts)
            start = end
        return told

    def refusal(self, kind: str, actor: Actor, ts: int) -> Rejected | None:
        """What the features' guards say against something that does not go through the log, such as `reaction:send`."""
        ctx = Context(self.seq, ts, actor, 0, b"")
        for feature in self.features:
            if kind in feature.guards:
                refusal = feature.guard(self.states[feature.name], kind, ctx)
                if refusal is not None:
                    return refusal
        return None

    def due_ts(self) -> int | None:
        """The first ts at which time alone changes this room, or None."""
        dues = [due for f in self.features if (due := f.due_ts(self.states[f.name])) is not None]
        return min(dues, default=None)

    def snapshot(self) -> dict[str, Any]:
        """What everybody may see, a key per feature."""
        return {f.name: f.snapshot(self.states[f.name]) for f in self.features}

    def own(self, viewer: Viewer) -> dict[str, Any]:
        """What the viewer alone may see, a key per feature that has something."""
        here = Viewer(viewer.id, viewer.role, self.show)
        return {f.name: own for f in self.features if (own := f.own(self.states[f.name], here))}

    def knows(self, kind: str) -> bool:
        """Whether some feature decides this kind of command."""
        return kind in self._deciders

    def dump(self) -> bytes:
        """The whole state as bytes: equal rooms give equal bytes."""
        encode = msgspec.msgpack.encode
        states: dict[str, msgspec.Raw] = {}
        for feature in self.features:
            state = encode(self.states[feature.name])
            # What has not begun is left out, so that a release that does not know the feature can read this.
            if state != encode(feature.state()):
                states[feature.name] = msgspec.Raw(state)
        image = _Image(
            SNAPSHOT_VERSION,
            self.show,
            self.epoch,
            self.seq,
            self.ts,
            self.head,
            self.verdicts,
            states,
            self.paces,
        )
        return encode(image)

    @classmethod
    def load(cls, dumped: bytes, features: Sequence[Feature]) -> "Room":
        """The room that `dump` stored.

        Raises LogBroken for a snapshot of a newer layout, of features unknown here, or one that is damaged. A feature that the snapshot does not
        know starts in its initial state.
        """
        try:
            image = msgspec.msgpack.decode(dumped, type=_Image)
            if image.version > SNAPSHOT_VERSION:
                raise LogBroken(
                    f"snapshot of {image.show} has layout {image.version}, newer than {SNAPSHOT_VERSION}"
                )
            strange = sorted(set(image.states).difference(feature.name for feature in features))
            if strange:
                # Dumped again without it, the state would be lost for whoever knows the feature (faults.md, row 25).
                raise LogBroken(f"snapshot of {image.show} has state of {', '.join(strange)}, unknown here")
            room = cls(image.show, features, epoch=image.epoch)
            for feature in room.features:
                if feature.name in image.states:
                    room.states[feature.name] = decoded(feature, image.states[feature.name])
        except (msgspec.MsgspecError, Strange) as error:
            raise LogBroken(f"a snapshot of {len(dumped)} bytes can't be used: {error}") from error
        room.seq, room.ts, room.head = image.seq, image.ts, image.head
        room.verdicts, room.paces = image.verdicts, image.paces
        return room


def refused(verdict: Verdict) -> Rejected | None:
    """The refusal in a verdict, or None if the command was accepted."""
    return verdict if isinstance(verdict, Rejected) else None
