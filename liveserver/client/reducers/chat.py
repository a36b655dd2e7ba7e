"""Keeps a client's picture of the chat up to date: snapshot of the join + events = snapshot of now.

It draws nothing and remembers no more than a snapshot holds; pages that keep longer histories apply the same events to them.
"""

from collections.abc import Mapping
from typing import Any

SHOWN_MAX = 50
"""Messages in a snapshot (the server's `chat.model.SHOWN_MAX`); the oldest go first."""


def reduce(state: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one event to `state`, the "chat" part of a snapshot. Events of other features are ignored."""
    payload = event["payload"]
    match event["type"]:
        case "chat:new":
            state["messages"] = [*state["messages"], payload][-SHOWN_MAX:]
        case "chat:deleted":
            # A ban names the person instead of one message: whatever is still shown of theirs goes.
            gone, user = set(payload["ids"]), payload.get("user")
            state["messages"] = [
                m for m in state["messages"] if m["id"] not in gone and m["user"]["id"] != user
            ]
        case "chat:pinned":
            state["pinned"] = payload["message"]
        case "chat:slow":
            state["slow_ms"] = payload["interval_ms"]
        case _:
            pass
