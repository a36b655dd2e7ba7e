"""The running lot as a bidder sees it, and what to bid. Pure; only what a bid needs is kept."""

from collections.abc import Mapping
from random import Random
from typing import Any

STEPS_MAX = 20
"""Most increments above the minimum that a maximum is placed at: enough that proxies meet, few enough that lots go on."""


class LotInView:
    """From a snapshot and the events behind it.

    >>> lot = LotInView()
    >>> lot.event("lot:opened", {"lot": "lot_1", "status": "open", "min_next": 1000, "ends_at": 60_000})
    >>> lot.id, lot.min_next, lot.open
    ('lot_1', 1000, True)
    """

    def __init__(self) -> None:
        self.id = ""
        self.open = False
        self.min_next = 0
        self.ends_at = 0
        """Server ms."""
        self._my_max = 0

    def snapshot(self, auction: Mapping[str, Any]) -> None:
        current = auction.get("lots", {}).get(auction.get("current"))
        if current is None:
            self.open = False
        else:
            self._show(current)

    def event(self, type_: str, payload: Mapping[str, Any]) -> None:
        """An ordered event; others than those of lots are ignored."""
        match type_:
            case "lot:opened":
                self._show(payload)
            case "bid:accepted" | "lot:voided" if payload["lot"] == self.id:
                self.min_next, self.ends_at = payload["min_next"], payload["ends_at"]
            case "lot:extended" if payload["lot"] == self.id:
                self.ends_at = payload["ends_at"]
            case "lot:closing" | "lot:sold" | "lot:passed" if payload["lot"] == self.id:
                self.open = False
            case _:
                pass

    def _show(self, document: Mapping[str, Any]) -> None:
        if document["lot"] != self.id:
            self._my_max = 0
        self.id, self.open = document["lot"], document["status"] == "open"
        self.min_next, self.ends_at = document["min_next"], document["ends_at"]

    def next_amount(self, step: int, random: Random) -> int:
        """A maximum that could be accepted: at least the minimum, and above one's own last one."""
        floor = max(self.min_next, self._my_max + step)
        return floor + step * random.randrange(STEPS_MAX)

    def answered(self, lot: str, verdict: Mapping[str, Any]) -> None:
        """The reply to one's bid, or a refusal's detail: whatever it says of the minimum is newer than the last batch."""
        if lot != self.id:
            return
        if "min_next" in verdict:
            self.min_next = max(self.min_next, verdict["min_next"])
        self._my_max = max(self._my_max, verdict.get("max") or 0)
