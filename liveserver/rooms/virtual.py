"""A show's log in memory, on a clock that is told what time it is: for `replay`, simulations and tests.

The room behind it is the real one and its entries are chained as Redis chains them; what it leaves out is everything that
can fail. What is appended counts as recorded at once, so sales are confirmed in the next entry.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Tick
from liveserver.rooms.log import make_entry
from liveserver.rooms.model import SYSTEM, Batch, Command, Entry, Feature, Verdict
from liveserver.rooms.room import Applied, Room

CONFIRMATIONS_MAX = 1_000
"""Rounds of the server's own commands after one append; more mean that confirming something asks for confirming it again."""
TICKS_MAX = 100_000
"""Moments at which time alone changes a room while the clock is moved once; more mean that time does not get on."""

_TICK = command("show:tick", SYSTEM, Tick())
_encode = msgspec.msgpack.encode


class VirtualLog:
    """One show. `room` may be read at any time; `on_applied` hears of every entry, the server's own included."""

    def __init__(
        self,
        show: str,
        features: Sequence[Feature],
        *,
        start_ms: int = 1_700_000_000_000,
        seed: str = "",
        on_applied: Callable[[Applied], None] | None = None,
    ) -> None:
        self.room = Room(show, features)
        self.now_ms = start_ms
        self._seed = f"{show}|{seed}"
        self._on_applied = on_applied
        self._batch = 0

    def append(self, *commands: Command) -> Applied:
        """Puts one batch of commands into the log, now, and whatever the server adds by itself behind it."""
        applied = self._apply(self.entry(commands))
        self._confirm()
        return applied

    def tell(self, told: Command) -> Verdict:
        """Appends one command alone and gives its verdict."""
        return self.append(told).verdicts[0]

    def entry(self, commands: Sequence[Command]) -> Entry:
        """The entry that these commands would make next; nothing is applied."""
        self._batch += 1
        # Random in a live log. Here it is made of seed and position, so that a replay is the same every time.
        salt = hashlib.sha256(f"{self._seed}|{self.room.seq}".encode()).digest()[:16]
        payload = _encode(Batch(salt, tuple(commands)))
        room = self.room
        return make_entry(
            room.head, room.epoch, room.seq + 1, len(commands), self.now_ms, "virtual", self._batch, payload
        )

    def wait_until(self, ts: int) -> None:
        """Moves the clock forward to `ts`, with an entry at each moment at which something was due, as nodes do it."""
        assert ts >= self.now_ms, "a virtual clock never runs backwards"
        for _ in range(TICKS_MAX):
            due_ts = self.room.due_ts()
            if due_ts is None or due_ts > ts:
                self.now_ms = ts
                return
            self.now_ms = max(self.now_ms, due_ts)
            self.append(_TICK)
        raise AssertionError(f"time does not get on: still due at {self.room.due_ts()}, asked for {ts}")

    def wait_until_quiet(self) -> None:
        """Moves the clock forward until time alone changes nothing more: all lots have their results."""
        for _ in range(TICKS_MAX):
            due_ts = self.room.due_ts()
            if due_ts is None:
                return
            self.wait_until(max(self.now_ms, due_ts))
        raise AssertionError("this room never becomes quiet")

    def _apply(self, entry: Entry) -> Applied:
        applied = self.room.apply(entry)
        if self._on_applied is not None:
            self._on_applied(applied)
        return applied

    def _confirm(self) -> None:
        for _ in range(CONFIRMATIONS_MAX):
            due: list[Command] = []
            for feature in self.room.features:
                state: Any = self.room.states[feature.name]
                due += [
                    command(own.kind, SYSTEM, own.args)
                    for own in feature.pending(state)
                    if own.after_seq <= self.room.seq
                ]
            if not due:
                return
            self._apply(self.entry(due))
        raise AssertionError("the server's own commands ask for ever more of them")
