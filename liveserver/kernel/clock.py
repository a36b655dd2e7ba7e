"""Where time comes from at the edges: the machine's clock, or a virtual one for replays and tests.

Rules never read a clock; they take the log entry's `ts`.
"""

import time
from typing import Protocol

_STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody sets and that goes on while the machine sleeps: Linux has one of its own for that, elsewhere (macOS) the
monotonic one does. `time.monotonic` stands still in sleep on both, and a laptop that was opened again would be in the past."""


class Clock(Protocol):
    """Wall time for people, monotonic time for durations; both in integer milliseconds."""

    def now_ms(self) -> int:
        """Unix time in ms. May step backwards when the machine's clock is set."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some fixed moment, time asleep included. Never steps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.clock_gettime_ns(_STEADY) // 1_000_000


class VirtualClock:
    """A clock that moves only when told to; both readings advance together."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        """Moves time forward by `by_ms` >= 0 milliseconds."""
        assert by_ms >= 0, "a virtual clock never runs backwards"
        self._now_ms += by_ms

    def set(self, to_ms: int) -> None:
        """Moves time forward to `to_ms`."""
        self.advance(to_ms - self._now_ms)
