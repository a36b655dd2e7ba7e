"""Keeps a client's picture of the spotlight up to date: the last highlighted product counts, and what is left of it. It fetches nothing."""

from collections.abc import Mapping
from typing import Any


def reduce(state: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one event to `state`, the "spotlight" part of a snapshot. Events of other features are ignored."""
    payload = event["payload"]
    if event["type"] == "product:highlighted":
        state["product"] = payload["product"]
    elif event["type"] == "product:claimed":
        product = state["product"]
        if product is None or product["id"] != payload["product"] or not product.get("offer"):
            return
        for variant in product["offer"]["variants"]:
            if variant["id"] == payload["variant"]:
                variant["remaining"] = payload["remaining"]
