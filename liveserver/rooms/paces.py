"""How fast one person may act in a show, over all their connections and nodes: counted where the order is, by the entries' time.

The edge refuses what a single connection sends too fast (`gateway.limits`); it can't know what the same person sends elsewhere.
The rate travels in the command, settled by the edge, so that every replica counts alike; a command without one is not counted.
"""

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Command

PEOPLE_MAX = 20_000
"""People and kinds of commands remembered. Those who have been silent longest go first; by then they may act anyway."""


class Paces(msgspec.Struct):
    """Part of room state: until when each person's share of a kind of command is used up ("generic cell rate algorithm", as a
    time in ms). Keys are `user kind`, the longest silent first."""

    until: dict[str, int] = {}

    def refusal(self, command: Command, ts: int) -> Rejected | None:
        """Counts the command, or says how long its sender has to wait; then it was not counted."""
        key = f"{command.actor.id} {command.kind}"
        until = max(self.until.get(key, 0), ts)
        wait_ms = until - ts - (command.burst - 1) * command.every_ms
        if wait_ms > 0:
            return Rejected(
                "rate_limited", "Too fast. Wait a moment.", retryable=True, detail={"wait_ms": wait_ms}
            )
        self.until.pop(key, None)
        self.until[key] = until + command.every_ms
        self._forget(ts)
        return None

    def _forget(self, ts: int) -> None:
        """Lets go of the longest silent whose share is whole again: two for each that came, so that a rush leaves nothing behind."""
        for _ in range(2):
            oldest = next(iter(self.until))
            if self.until[oldest] > ts and len(self.until) <= PEOPLE_MAX:
                return
            del self.until[oldest]
