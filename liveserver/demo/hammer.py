"""How a host leads one lot: what to say and when to call, from what is seen and how much time is left. Pure: it says nothing itself."""

from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec

from liveserver.demo.goods import BY_TITLE
from liveserver.demo.phrases import HostOccasion

TALK_MS = 8_000
"""Time between two remarks; a host who never stops is tiring."""
FIRST_TALK_MS = 2_500
BREATH_MS = 1_500
"""Nobody says two things at once."""
CALM_MS = 7_000
"""No bid for so long: an impatient host begins to call."""
CALL_GAP_MS = 3_200
"""A little more than the least time between two calls (`call_gap_ms`)."""
FINAL_MS = 6_600
"""With so much left the calls begin in any case, so that both fit before the clock ends it."""


class Remark(msgspec.Struct, frozen=True):
    """To say something: a line for the occasion, or these very words."""

    occasion: HostOccasion | None
    words: str = ""


class Call(msgspec.Struct, frozen=True):
    """Going once (1), going twice (2), sold (3)."""

    number: int


class Hammer:
    """One lot in the host's mind. `look` again about twice a second and after every bid."""

    def __init__(self, lot: Mapping[str, Any], now_ms: int, random: Random) -> None:
        good = BY_TITLE.get(lot["title"])
        self._talk = list(good.talk) if good is not None else []
        self._random = random
        self._impatient = random.random() < 0.5
        self._announced = lot["bids"] > 0
        self._bids: int = lot["bids"]
        self._extensions: int = lot["extensions"]
        self._bid_ms = now_ms
        self._call_ms = 0
        self._talk_ms = now_ms + FIRST_TALK_MS
        self._said_ms = now_ms - BREATH_MS

    def look(self, lot: Mapping[str, Any], now_ms: int) -> Remark | Call | None:
        """What to do now."""
        if lot["status"] != "open":
            return None
        breathing = now_ms - self._said_ms < BREATH_MS
        remark = self._seen(lot, now_ms)
        if self._should_call(lot, now_ms):
            self._call_ms = self._said_ms = now_ms
            return Call(lot["calls"] + 1)
        if not self._announced:
            self._announced = True
            remark = Remark("opened")
        if not breathing and remark is None:
            remark = self._small_talk(lot, now_ms)
        if breathing or remark is None:
            return None
        self._said_ms = now_ms
        return remark

    def _seen(self, lot: Mapping[str, Any], now_ms: int) -> Remark | None:
        if lot["bids"] == self._bids:
            return None
        first, extended = self._bids == 0, lot["extensions"] > self._extensions
        self._bids, self._extensions, self._bid_ms = lot["bids"], lot["extensions"], now_ms
        if first:
            return Remark("first_bid")
        return Remark("extended") if extended and self._random.random() < 0.35 else None

    def _should_call(self, lot: Mapping[str, Any], now_ms: int) -> bool:
        """Calls need a bid to call at. With plenty of time left only an impatient host calls, and closes by the third."""
        if not lot["bids"] or lot["reserve"] == "not_met" or now_ms - self._call_ms < CALL_GAP_MS:
            return False
        left_ms = lot["ends_at"] - now_ms
        if left_ms < FINAL_MS:
            return lot["calls"] < 2 and left_ms > 1_000
        return self._impatient and now_ms - self._bid_ms >= CALM_MS

    def _small_talk(self, lot: Mapping[str, Any], now_ms: int) -> Remark | None:
        if now_ms < self._talk_ms or lot["calls"]:
            return None
        self._talk_ms = now_ms + int(TALK_MS * self._random.uniform(0.7, 1.4))
        if self._talk and self._random.random() < 0.7:
            return Remark(None, self._talk.pop(0))
        if not lot["bids"]:
            return Remark("opened")
        return Remark("ask" if now_ms - self._bid_ms < CALM_MS else "calm")
