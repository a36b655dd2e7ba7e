"""One timer wheel for every deadline of every connection, and the estimate of a connection's round-trip time.

A connection has one place in the wheel and says itself what is due; there is no timer and no task per connection.
"""

from typing import Protocol

from liveserver.gateway.limits import RTT_SAMPLES

TICK_MS = 50
"""Resolution of all deadlines: a twentieth of a second is fine for seconds, and 20 turns a second cost nothing."""
SLOTS = 1_024
"""The wheel reaches 51 s ahead; what is due later is looked at on the way, which is harmless."""
NEVER = 0
"""Given back by `on_due` when nothing is due any more."""


class Timed(Protocol):
    """Something with deadlines. `slot` belongs to the wheel and starts as -1."""

    slot: int

    def on_due(self, now_ms: int) -> int:
        """Does what is due and says when to look again, in monotonic ms, or `NEVER`. May be called too early."""
        ...


class Wheel:
    """Turns when told what time it is; `now_ms` is monotonic."""

    __slots__ = ("_at_ms", "_index", "_slots")

    def __init__(self, now_ms: int) -> None:
        self._at_ms = now_ms
        self._index = 0
        # Dicts as ordered sets: a closed connection leaves its slot at once instead of being kept until it comes round.
        self._slots: list[dict[Timed, None]] = [{} for _ in range(SLOTS)]

    def set(self, timed: Timed, due_ms: int) -> None:
        """Looks at `timed` no earlier than `due_ms` (or the wheel's reach), instead of when it was set before."""
        if timed.slot >= 0:
            del self._slots[timed.slot][timed]
        ticks = min(max((due_ms - self._at_ms) // TICK_MS + 1, 1), SLOTS - 1)
        timed.slot = (self._index + ticks) % SLOTS
        self._slots[timed.slot][timed] = None

    def forget(self, timed: Timed) -> None:
        """Takes `timed` out; nothing happens if it is not in."""
        if timed.slot >= 0:
            del self._slots[timed.slot][timed]
            timed.slot = -1

    def turn(self, now_ms: int) -> None:
        """Calls everything that is due by `now_ms`."""
        while self._at_ms + TICK_MS <= now_ms:
            self._at_ms += TICK_MS
            self._index = (self._index + 1) % SLOTS
            slot = self._slots[self._index]
            while slot:
                timed, _ = slot.popitem()
                timed.slot = -1
                due_ms = timed.on_due(now_ms)
                if due_ms != NEVER:
                    self.set(timed, due_ms)

    def __len__(self) -> int:
        return sum(map(len, self._slots))


class Rtt:
    """The best of the last `RTT_SAMPLES` round trips, in ms.

    The best, not the last: an honest estimate of the way that a bid takes, and one that can't be raised on a standing
    connection while a lot is closing. A new connection starts anew, so the auction's cap is what bounds the gain
    (faults.md, "RTT inflation").
    """

    __slots__ = ("_next", "best_ms", "samples")

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._next = 0
        self.best_ms = 0

    def add(self, sample_ms: int) -> None:
        """Takes in one measured round trip."""
        if len(self.samples) < RTT_SAMPLES:
            self.samples.append(sample_ms)
        else:
            self.samples[self._next] = sample_ms
            self._next = (self._next + 1) % RTT_SAMPLES
        self.best_ms = min(self.samples)
