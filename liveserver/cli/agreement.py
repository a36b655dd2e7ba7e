"""Whether all serving nodes have the same of those settings that they must have the same: each tells fingerprints, and looks at the others'.

It refuses nothing: while a setting is being changed, node by node, they differ and must all serve. An operator is told.
"""

import hashlib
from typing import Any

import structlog

from liveserver.config import Settings
from liveserver.nodes.service import Nodes, Numbers

AGREED = (
    # Who somebody is, and which pages may say so.
    "public_url", "origins", "jwt_secret", "jwt_audience", "metrics_token", "bid_requires_approval", "hosts_may_register",
    # What a bid needs before it counts, and what a command or a lot takes along from the node that it came to.
    "redis_replicas", "unrecorded_max", "unlimited", "chat_characters_max", "hammer_ms", "call_interval_ms", "confirm_multiple",
    "bids_per_s", "bids_burst", "chats_per_s", "chats_burst",
)  # fmt: skip
KEY = "agreed"
"""Under which the fingerprints stand among a node's numbers in the registry."""
FINGERPRINT_CHARS = 6
"""24 bits: enough to see a difference, too few to guess a secret by."""
BEATS = 10
"""Others are looked at every so many beats: ten seconds."""

log = structlog.get_logger(__name__)


def fingerprints(settings: Settings) -> dict[str, str]:
    """By the setting's name."""
    return {
        name: hashlib.sha256(f"liveserver {name} {getattr(settings, name)!r}".encode()).hexdigest()[
            :FINGERPRINT_CHARS
        ]
        for name in AGREED
    }


class Agreement:
    """One node's part: `tell` goes with each beat, `look` after it."""

    def __init__(self, settings: Settings, nodes: Nodes) -> None:
        self.differs: dict[str, tuple[str, ...]] = {}
        """The names of settings that another living node has otherwise, by its id."""
        self._own = fingerprints(settings)
        self._nodes = nodes
        self._beats = 0

    def told_with(self, numbers: Numbers) -> Numbers:
        """What a node says of itself, and its fingerprints."""

        def tell() -> dict[str, Any]:
            return {**numbers(), KEY: self._own}

        return tell

    async def look(self) -> None:
        """Compares, and logs what has changed since the last time. Raises what PostgreSQL raises."""
        self._beats += 1
        if self._beats % BEATS:
            return
        differs: dict[str, tuple[str, ...]] = {}
        for seen in await self._nodes.alive():
            told = seen.numbers.get(KEY)
            # Older releases tell none; those that leave are none of our business any more.
            if seen.kind != "serving" or seen.draining or not isinstance(told, dict):
                continue
            names = tuple(name for name, own in self._own.items() if told.get(name, own) != own)
            if names:
                differs[seen.id] = names
        if differs != self.differs:
            self.differs = differs
            if differs:
                names = sorted({name for several in differs.values() for name in several})
                log.warning("settings_differ", settings=names, nodes=sorted(differs))
            else:
                log.info("settings_agree")
