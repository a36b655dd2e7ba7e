"""What a client knows of a show: the snapshot of its join, kept up to date by events. Pure: no socket, no clock.

The law, which tests hold every feature to: *old snapshot + events == new snapshot*. What is somebody's own ("you") is
not part of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from liveserver.client.reducers import auction, chat, show, spotlight

REDUCERS: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], None]] = {
    "show": show.reduce,
    "auction": auction.reduce,
    "chat": chat.reduce,
    "spotlight": spotlight.reduce,
}
"""Parts of a snapshot, each with the function that keeps it up to date."""


def apply(view: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one ordered event to `view`, in place. Types that no reducer knows are left alone: a newer server may
    say more than this client understands.

    >>> view = {"show": {"status": "scheduled", "started_at": None, "ended_at": None}}
    >>> apply(view, {"type": "show:started", "seq": 1, "ts": 7, "payload": {"status": "live", "started_at": 7}})
    >>> view["show"]["status"]
    'live'
    """
    for feature, reduce in REDUCERS.items():
        if feature in view:
            reduce(view[feature], event)
