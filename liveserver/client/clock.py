"""The server's time as seen from here: the best of the last few answers that carried it. It asks nobody (`live` does)."""

from collections import deque

SAMPLES_MAX = 8
"""Enough to outlive a bad minute, few enough to follow a clock that drifts."""


class ServerClock:
    """Estimates server time from samples; the sample with the shortest round trip is the most honest one.

    >>> clock = ServerClock()
    >>> clock.sample(sent_ms=100, received_ms=120, server_ms=5_000)   # at 110 here it was 5000 there
    >>> clock.server_ms(local_ms=200)
    5090
    """

    __slots__ = ("_offset_ms", "_samples")

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES_MAX)
        self._offset_ms = 0

    def sample(self, sent_ms: int, received_ms: int, server_ms: int) -> None:
        """One answer: when the question left and the answer came (monotonic ms), and the server's time in it."""
        round_trip = max(0, received_ms - sent_ms)
        self._samples.append((round_trip, server_ms - sent_ms - round_trip // 2))
        # Of equal round trips the later: it knows more about drift.
        self._offset_ms = min(reversed(self._samples), key=lambda s: s[0])[1]

    @property
    def known(self) -> bool:
        """Whether there was any sample yet."""
        return bool(self._samples)

    @property
    def round_trip_ms(self) -> int:
        """The shortest of the last round trips, in ms; 0 while there is none."""
        return min((s[0] for s in self._samples), default=0)

    def server_ms(self, local_ms: int) -> int:
        """The server's time when the local monotonic clock says `local_ms`."""
        return local_ms + self._offset_ms
