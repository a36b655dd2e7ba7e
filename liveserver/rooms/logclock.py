"""The show's time as a node knows it: the last time the log's server told, plus monotonic time since.

An append carries this estimate; the log refuses to stamp when its own clock is more than a second apart, so that a
stepped clock pauses lots visibly instead of closing them (docs: faults, rows 16 and 17). PostgreSQL's clock is the third
opinion that ends a dispute.
"""

from liveserver.kernel.clock import Clock

APART_MAX_MS = 1_000
"""The same second as in log.lua."""


class LogClock:
    """One node's estimate of the time of one Redis."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ms: int | None = None
        self.disputed = False
        """Whether the server's last reading was too far from the estimate: an operator's alarm."""

    def now_ms(self) -> int:
        """The show's time in ms. Before anything was observed: the machine's own."""
        if self._offset_ms is None:
            return self._clock.now_ms()
        return self._clock.monotonic_ms() + self._offset_ms

    def observe(self, server_ms: int) -> None:
        """Takes a reading of the server's clock; one too far off is not believed, it opens a dispute.

        The first one is compared with this machine's time of day: a process that starts while the server's clock is wrong
        must not take it for the time. Where it is this machine that is wrong, the third clock says so (`settle`).
        """
        offset = server_ms - self._clock.monotonic_ms()
        believed = (
            self._clock.now_ms() - self._clock.monotonic_ms() if self._offset_ms is None else self._offset_ms
        )
        self.disputed = abs(offset - believed) > APART_MAX_MS
        if not self.disputed:
            self._offset_ms = offset

    def settle(self, server_ms: int, third_ms: int) -> bool:
        """Ends a dispute if a third clock agrees with the server: then this node was wrong (it was suspended, say)."""
        if abs(server_ms - third_ms) > APART_MAX_MS:
            return False
        self._offset_ms = server_ms - self._clock.monotonic_ms()
        self.disputed = False
        return True
