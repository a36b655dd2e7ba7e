"""The show's time as a node knows it: the last time the log's server told, plus monotonic time since.

An append carries this estimate; the log refuses to stamp when its own clock is more than a second apart, so that a
stepped clock pauses lots visibly instead of closing them (docs: faults, rows 16 and 17). It ends when the clock is put right;
if the new time is the right one, the nodes are to be restarted: no show's time ever jumps by itself.
"""

from liveserver.kernel.clock import Clock

APART_MAX_MS = 1_000
"""The same second as in log.lua."""


class LogClock:
    """One node's estimate of the time of one show's log.

    `anchor_ms` is this machine's time of day less its monotonic time when the process started: what a first reading is
    compared with, however the time of day is set meanwhile.
    """

    def __init__(self, clock: Clock, anchor_ms: int | None = None) -> None:
        self._clock = clock
        self._anchor_ms = anchor(clock) if anchor_ms is None else anchor_ms
        self._offset_ms: int | None = None
        self.disputed = False
        """Whether the server's last reading was too far from the estimate: an operator's alarm."""

    def now_ms(self) -> int:
        """The show's time in ms. Before anything was observed: this machine's own."""
        offset_ms = self._anchor_ms if self._offset_ms is None else self._offset_ms
        return self._clock.monotonic_ms() + offset_ms

    def observe(self, server_ms: int) -> None:
        """Takes a reading of the server's clock; one too far off is not believed, it opens a dispute.

        The first one is compared with this machine's own time: a process that starts while the server's clock is wrong must
        not take it for the time. Where it is this machine that is wrong, a third clock says so (`settle`).
        """
        offset_ms = server_ms - self._clock.monotonic_ms()
        believed_ms = self._anchor_ms if self._offset_ms is None else self._offset_ms
        self.disputed = abs(offset_ms - believed_ms) > APART_MAX_MS
        if not self.disputed:
            self._offset_ms = offset_ms

    def settle(self, server_ms: int, third_ms: int) -> bool:
        """Ends a dispute about the first reading if a third clock agrees with the server: then this machine's is wrong.

        Not if this machine's clock was set meanwhile: the three may well be one machine's. And not later: who had the time of a
        show keeps it, for lots would end by the difference.
        """
        stepped = abs(anchor(self._clock) - self._anchor_ms) > APART_MAX_MS
        if self._offset_ms is not None or stepped or abs(server_ms - third_ms) > APART_MAX_MS:
            return False
        self._offset_ms = server_ms - self._clock.monotonic_ms()
        self.disputed = False
        return True


def anchor(clock: Clock) -> int:
    """The machine's time of day less its monotonic time, in ms: constant until somebody sets the clock."""
    return clock.now_ms() - clock.monotonic_ms()
