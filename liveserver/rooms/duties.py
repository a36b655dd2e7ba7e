"""What the server itself appends to a show: ticks when time alone changes something, confirmations once something is recorded.

Every node that holds the room may do these; the first entry counts and the others find it done. It does not follow the log:
the live room tells it when something has changed.
"""

import asyncio
from collections.abc import Callable

from liveserver.rooms import edge, lifecycle
from liveserver.rooms.appender import Answer
from liveserver.rooms.model import SYSTEM, Command, Pending, Verdict
from liveserver.rooms.room import Room

TICK = "show:tick"


class Duties:
    """The duties of one node in one show."""

    def __init__(self, server_now: Callable[[], int], submit: Callable[[Command, Answer], None]) -> None:
        self._server_now = server_now
        self._submit = submit
        self._timer: asyncio.TimerHandle | None = None
        self._confirmed = 0

    def arm(self, room: Room) -> None:
        """Sets the timer for the next moment at which time alone changes the room."""
        self.disarm()
        due_ts = room.due_ts()
        if due_ts is not None:
            wait_s = max(0.001, (due_ts - self._server_now() + 1) / 1000)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick, room)

    def disarm(self) -> None:
        """No tick until `arm`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self, room: Room) -> None:
        self._timer = None
        due_ts = room.due_ts()
        if due_ts is None:
            return
        if due_ts > self._server_now():
            self.arm(room)
        else:
            # Every node's timer may say this; the first entry past the moment decides, the others find it decided.
            self._append(edge.command(TICK, SYSTEM, lifecycle.Tick()))

    def confirm(self, room: Room, recorded_seq: int) -> None:
        """Appends what was waiting for the record, once."""
        for due in sorted(pending(room), key=lambda due: due.after_seq):
            if self._confirmed < due.after_seq <= recorded_seq:
                self._confirmed = due.after_seq
                self._append(edge.command(due.kind, SYSTEM, due.args))

    def _append(self, command: Command) -> None:
        after_seq = self._confirmed

        def answer(seq: int, ts: int, verdict: Verdict) -> None:
            if seq == 0 and command.kind != TICK:
                self._confirmed = min(self._confirmed, after_seq - 1)  # not taken: the next look tries again

        self._submit(command, answer)


def pending(room: Room) -> list[Pending]:
    """What the room's features have waiting for the record."""
    return [due for feature in room.features for due in feature.pending(room.states[feature.name])]
