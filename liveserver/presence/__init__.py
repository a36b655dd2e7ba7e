"""Who is watching and how they feel: viewer counts and reactions over all nodes. Not in the log: only the latest value counts."""

from liveserver.presence.reactions import REACTIONS
from liveserver.presence.service import Presence

__all__ = ["REACTIONS", "Presence"]
