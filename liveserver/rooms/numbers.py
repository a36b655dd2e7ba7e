"""What a process counts about its rooms, and what it tells of them to the operator: plain numbers, one object for all rooms.

It exports nothing (`cli.numbers` does) and decides nothing. Whoever counts adds to an integer; whoever asks reads it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from liveserver.infra.watch import EngineSeen
from liveserver.kernel.histogram import Histogram

if TYPE_CHECKING:
    from liveserver.rooms.live import LiveRoom
    from liveserver.rooms.model import Verdict

SHOWS_TOLD_MAX = 200
"""Rooms that a process tells of at each beat, some 150 bytes each; those with troubles come first."""


class RoomNumbers:
    """Counters since the start of the process."""

    __slots__ = (
        "append_s",
        "appends_refused",
        "appends_unknown",
        "apply_lag_s",
        "epochs",
        "gaps",
        "open_s",
        "rebuilds",
        "refilled",
        "verdicts",
    )

    def __init__(self) -> None:
        self.append_s = Histogram()
        """A batch's way into the log: from the first attempt until it is stored, repeats included."""
        self.apply_lag_s = Histogram()
        """From an entry's time in the log until it is applied here."""
        self.open_s = Histogram()
        """Opening a room: record and log read, state rebuilt."""
        self.gaps = 0
        """Entries that came while others before them were missing."""
        self.refilled = 0
        """Entries fetched from the log because no message brought them."""
        self.rebuilds = 0
        """Rooms built anew because they were at odds with the log."""
        self.epochs = 0
        """Times that a room followed its log into a new epoch."""
        self.appends_refused: dict[str, int] = {}
        """By the log's code: FENCED, NOLOG, CLOCK, BACKLOG."""
        self.appends_unknown = 0
        """Attempts whose outcome was not known; they are repeated under the same number."""
        self.verdicts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Commands by kind and what they came to: accepted, or a refusal's code. Each is counted by the node that was asked."""

    def decided(self, kind: str, verdict: "Verdict") -> None:
        """Counts what a command came to."""
        self.verdicts[kind][verdict.code] += 1

    def refused(self, code: str) -> None:
        """Counts an append that the log did not take."""
        self.appends_refused[code] = self.appends_refused.get(code, 0) + 1


class RoomTold(msgspec.Struct, frozen=True, kw_only=True):
    """A room as its process tells of it in the registry."""

    show: str
    viewers: int
    """On this process."""
    seq: int
    epoch: int
    unrecorded: int
    """Commands applied and not known to be in PostgreSQL."""
    lag_ms: int
    """Age of the oldest of these."""
    halted: str = ""
    """Why it takes nothing; "" while all is well."""


def rooms_told(rooms: "Iterable[LiveRoom]", viewers: Mapping[str, int]) -> list[RoomTold]:
    """At most `SHOWS_TOLD_MAX` rooms: halted ones first, then those furthest behind, then those with most viewers."""
    told = [
        RoomTold(
            show=room.show,
            viewers=viewers.get(room.show, 0),
            seq=room.seq,
            epoch=room.epoch,
            unrecorded=room.unrecorded,
            lag_ms=room.unrecorded_ms,
            halted=room.halted[:200],
        )
        for room in rooms
    ]
    told.sort(key=lambda room: (not room.halted, -room.lag_ms, -room.viewers, room.show))
    return told[:SHOWS_TOLD_MAX]


class NodeTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself at each beat (`nodes`). Others may be of another release: what is missing has a default."""

    connections: int = 0
    rooms: int = 0
    cpu_percent: int = 0
    """Of one core."""
    memory_bytes: int = 0
    late_ms: int = 0
    """How late its event loop was in the last second."""
    engines: list[EngineSeen] = msgspec.field(default_factory=list[EngineSeen])
    shows: list[RoomTold] = msgspec.field(default_factory=list[RoomTold])
