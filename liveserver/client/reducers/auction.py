"""Keeps a client's picture of the auctions up to date: snapshot of the join + events = snapshot of now.

It draws nothing and knows no rule of bidding: every event carries absolute values, so a superseded one is not missed.
"""

from collections.abc import Mapping
from typing import Any

SAYS: dict[str, tuple[str, ...]] = {
    "bid:accepted": tuple(
        "price leader leader_id bids min_next reserve status ends_at extensions head".split(" ")
    ),
    "lot:extended": ("ends_at", "extensions", "head"),
    "lot:called": ("calls", "ends_at", "head"),
    "lot:closing": ("status", "ends_at", "head"),
    "lot:sold": ("status", "price", "leader", "leader_id", "bids", "ends_at", "head"),
    "lot:passed": ("status", "reason", "ends_at", "head"),
    "lot:voided": tuple("price leader leader_id bids min_next reserve calls ends_at head".split(" ")),
}
"""Fields that an event says about its lot, just as the lot's document holds them."""
_FINISHED = frozenset({"sold", "passed"})


def reduce(state: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Applies one event to `state`, the "auction" part of a snapshot. Events of other features are ignored."""
    kind, payload = event["type"], event["payload"]
    lots: dict[str, dict[str, Any]] = state["lots"]
    if kind == "lot:opened":
        lots[payload["lot"]] = {name: value for name, value in payload.items() if name != "server_now"}
        state["current"] = payload["lot"]
        if len(lots) > state["lots_max"]:
            # The oldest finished lot goes, as on the server; the rest of the history is in the record.
            del lots[next(id for id, lot in lots.items() if lot["status"] in _FINISHED)]
        return
    said = SAYS.get(kind)
    if said is None:
        return
    lot = lots.get(payload["lot"])
    if lot is None:
        return
    for name in said:
        lot[name] = payload[name]
    if kind == "bid:accepted":
        lot["calls"] = 0  # a bid resets the host's calls
