"""Remembers what commands came to, so that a retry is told the first verdict instead of being decided again.

Only commands of a named client instance are remembered. Memory is bounded; what has fallen out of it is still refused
(by the highest forgotten number of its client), so a late retry can never be decided twice (faults.md, row 20).
"""

from typing import Any

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Command, Decision, Verdict

REMEMBERED_MAX = 16_384
"""Verdicts kept in a room: some minutes of a busy show, some megabytes of a snapshot. The oldest go first."""
CLIENTS_MAX = 65_536
"""Client instances whose highest forgotten number is kept. The longest silent go first."""

STALE = Rejected(
    "stale_command",
    "This command is older than the answers kept for it. Read the current state and send a new one.",
)


class Outcome(msgspec.Struct, array_like=True):
    """A verdict as it is kept: what to answer, without the facts."""

    ok: bool
    result: dict[str, Any] = {}
    rejected: Rejected | None = None
    seq: int = 0
    """Where in the log it was decided, and when; 0 for what was remembered before this was kept."""
    ts: int = 0

    @property
    def verdict(self) -> Verdict:
        """As it was told first."""
        return self.rejected if self.rejected is not None else Decision((), self.result)


class Verdicts(msgspec.Struct):
    """Part of room state. Keys are `user client number` and `user client`; dicts keep insertion order, which is the log's."""

    outcomes: dict[str, Outcome] = {}
    forgotten: dict[str, int] = {}

    def find(self, command: Command) -> Outcome | None:
        """What a retried command came to at first, `STALE` if that can no longer be told, None for a new command."""
        client = f"{command.actor.id} {command.client}"
        outcome = self.outcomes.get(f"{client} {command.number}")
        if outcome is not None:
            return outcome
        return Outcome(False, rejected=STALE) if command.number <= self.forgotten.get(client, -1) else None

    def remember(self, command: Command, verdict: Verdict, seq: int, ts: int) -> None:
        """Keeps the verdict of a command that `find` did not know."""
        key = f"{command.actor.id} {command.client} {command.number}"
        if isinstance(verdict, Rejected):
            self.outcomes[key] = Outcome(False, rejected=verdict, seq=seq, ts=ts)
        else:
            self.outcomes[key] = Outcome(True, verdict.result, seq=seq, ts=ts)
        if len(self.outcomes) > REMEMBERED_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = next(iter(self.outcomes))
        del self.outcomes[oldest]
        client, _, number = oldest.rpartition(" ")
        highest = max(int(number), self.forgotten.pop(client, -1))
        self.forgotten[client] = highest
        if len(self.forgotten) > CLIENTS_MAX:
            del self.forgotten[next(iter(self.forgotten))]
