"""Keeps a client's picture of the spotlight up to date: the last highlighted product counts. It fetches nothing."""

from collections.abc import Mapping
from typing import Any


def reduce(state: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one event to `state`, the "spotlight" part of a snapshot. Events of other features are ignored."""
    if event["type"] == "product:highlighted":
        state["product"] = event["payload"]["product"]
