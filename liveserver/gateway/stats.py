"""What the gateway counts about itself, for /metrics and the operator. Plain numbers; reading them is somebody else's."""

from collections import Counter, defaultdict

import msgspec

from liveserver.kernel.histogram import Histogram


class Stats(msgspec.Struct):
    """Counters since the start, and gauges."""

    connections: int = 0
    """Open now."""
    accepted: int = 0
    refused: int = 0
    """Handshakes and heads refused."""
    heads_late: int = 0
    messages: int = 0
    bad_messages: int = 0
    commands: int = 0
    joins: int = 0
    resumed: int = 0
    """Joins that were given the events they had missed; the others took a snapshot."""
    refusals: defaultdict[str, defaultdict[str, int]] = msgspec.field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    """Commands refused here before they reached a room, by kind and code."""
    flushes: int = 0
    flush_s: Histogram = msgspec.field(default_factory=Histogram)
    """Time of flushes, slices included: until the last viewer's socket has its batch."""
    frames_sent: int = 0
    """Frames written to sockets by the room and state lanes."""
    flush_ms_max: int = 0
    """Longest flush, slices included."""
    draining: bool = False
    """Whether this node takes nobody any more."""
    drained: int = 0
    """Connections sent elsewhere because this node stops."""
    closes: Counter[int] = msgspec.field(default_factory=Counter[int])
    """Closes that the server began, by code."""

    def closed(self, code: int) -> None:
        """Counts a close that the server began."""
        self.closes[code] += 1
