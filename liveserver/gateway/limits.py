"""Every bound of the socket side in one frozen struct, read from the settings once.

What is exceeded is answered with an error or a close code (`closecodes`); nothing here acts.
"""

from typing import Any

import msgspec

from liveserver.config.settings import GatewaySettings
from liveserver.rooms.edge import Cost

BACKLOG_MAX = 64
"""Messages kept for a connection whose earlier message still waits (for a database, say); beyond it the socket is not read."""
BAD_MESSAGES_MAX = 20
"""Malformed messages before a connection is closed: enough for a developer's first tries, too few to feed a fuzzer."""
ID_CHARACTERS_MAX = 64
"""Longest message id: it is kept with verdicts and repeated in every reply."""
CLIENT_CHARACTERS_MAX = 32
"""Longest `hello.client`: part of the key under which a room remembers verdicts."""
TOKEN_CHARACTERS_MAX = 4_096
"""Longest token in `hello`: above any signed token of sensible size."""
JOINS_WAITING_MAX = 20_000
"""Joins that may wait for their turn (`joins_per_s`): five seconds of the default rate; more are told to come later."""
HEAD_BYTES_MAX = 32_768
"""Largest HTTP request head: above what browsers send with all their cookies, below what hurts."""
CLOSE_GRACE_MS = 1_000
"""How long a closed peer has to hang up before its connection is cut."""
RTT_SAMPLES = 8
"""Round trips kept; the best of them counts. With the default heartbeat an estimate can't rise within 140 s, which is
longer than a closing window. It does not outlive its connection: who reconnects and delays every pong starts with an inflated
estimate, and only the auction's cap bounds what that gains (faults.md, "RTT inflation")."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Counts, bytes, rates a second and times in ms. A rate of 0 means no limit."""

    connections_max: int = 20_000
    joins_per_s: float = 4_000
    rooms_per_connection_max: int = 8
    frame_bytes_max: int = 16_384
    fragments_max: int = 16
    frames_per_s: float = 100
    unsent_bytes_max: int = 1_048_576
    header_deadline_ms: int = 5_000
    hello_deadline_ms: int = 10_000
    message_deadline_ms: int = 5_000
    heartbeat_ms: int = 20_000
    flush_interval_ms: int = 25
    state_interval_ms: int = 250
    recheck_ms: int = 30_000
    reconnect_window_ms: int = 120_000
    reconnect_spread_ms: int = 5_000
    bids_per_s: float = 5
    bids_burst: int = 10
    chats_per_s: float = 1
    chats_burst: int = 5
    reactions_per_s: float = 5
    reactions_burst: int = 15
    host_commands_per_s: float = 20
    host_commands_burst: int = 40
    chat_characters_max: int = 500

    @classmethod
    def of(cls, settings: GatewaySettings) -> "Limits":
        """The limits that the settings say."""
        return cls(**{name: getattr(settings, name) for name in cls.__struct_fields__})

    def rate(self, cost: Cost) -> tuple[float, float]:
        """Messages a second and at once for one kind of message."""
        match cost:
            case "bid":
                return self.bids_per_s, self.bids_burst
            case "chat":
                return self.chats_per_s, self.chats_burst
            case "reaction":
                return self.reactions_per_s, self.reactions_burst
            case "host":
                return self.host_commands_per_s, self.host_commands_burst

    def pace(self, cost: Cost) -> tuple[int, int]:
        """The same for one person over all connections and nodes, as the room counts it: one in so many ms, so many at once.

        Twice what a single connection may send at once: what came evenly may be appended together after a stall. Hosts
        and what is not in the log are limited by connection alone; so are rates too high to count in ms.
        """
        per_s, burst = self.rate(cost)
        if cost not in ("bid", "chat") or per_s <= 0 or per_s > 1_000:
            return 0, 0
        return round(1_000 / per_s), 2 * int(burst)

    @property
    def silent_ms(self) -> int:
        """A peer that was not heard for this long is gone."""
        return self.heartbeat_ms * 5 // 2

    def told(self) -> dict[str, Any]:
        """What `hello` tells a client, so that a well-behaved one never runs into a limit."""
        return {
            "frame_bytes_max": self.frame_bytes_max,
            "fragments_max": self.fragments_max,
            "frames_per_s": self.frames_per_s,
            "bids_per_s": self.bids_per_s,
            "bids_burst": self.bids_burst,
            "chats_per_s": self.chats_per_s,
            "chats_burst": self.chats_burst,
            "reactions_per_s": self.reactions_per_s,
            "reactions_burst": self.reactions_burst,
            "host_commands_per_s": self.host_commands_per_s,
            "host_commands_burst": self.host_commands_burst,
            "chat_characters_max": self.chat_characters_max,
            "rooms_per_connection_max": self.rooms_per_connection_max,
            "joins_per_s": self.joins_per_s,
            "unsent_bytes_max": self.unsent_bytes_max,
            "reconnect_spread_ms": self.reconnect_spread_ms,
        }
