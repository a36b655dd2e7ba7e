"""Keeps a client's picture of the show itself up to date: scheduled, live, ended. It knows nothing of lots and chat."""

from collections.abc import Mapping
from typing import Any


def reduce(state: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one event to `state`, the "show" part of a snapshot. Events of other features are ignored."""
    if event["type"] in {"show:started", "show:ended"}:
        state.update(event["payload"])
