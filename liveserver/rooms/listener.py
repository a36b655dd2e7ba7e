"""Who listens to a live room, and what people get who ask it something. Types only; `live` fills them."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from liveserver.rooms.model import Event, Verdict


class Listener(Protocol):
    """Who is told what happens in a room: one per edge, not per viewer. Called synchronously; must not raise."""

    def on_applied(self, first: int, last: int, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        """An entry was applied; its senders were answered just before. Events are for every audience."""
        ...

    def on_reset(self, epoch: int, seq: int) -> None:
        """The log was rebuilt: viewers must take a fresh snapshot."""
        ...

    def on_halted(self) -> None:
        """This node can't follow the show any more; another may (a newer release, or one whose memory is sound)."""
        ...


class Joined(msgspec.Struct):
    """What a viewer gets at the door: the missed events, or a snapshot; `you` is the viewer's alone, by feature."""

    epoch: int
    seq: int
    recovered: bool
    events: list[dict[str, Any]] | None
    snapshot: dict[str, Any] | None
    you: dict[str, Any]


class Answered(msgspec.Struct, frozen=True):
    """What a command came to; `seq` 0 when it is not in the log."""

    seq: int
    ts: int
    verdict: Verdict
