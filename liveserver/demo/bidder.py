"""Bidder bots: people with a limit of their own, who bid in their own way and at a human pace, and who lose with grace.

`consider` is the whole mind and is pure; `Bidder` acts on it through the WebSocket. A bid never exceeds the private
valuation, so a visitor who wants a thing more gets it.
"""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec

from liveserver.client import BidPlaced, Room
from liveserver.demo.people import Character
from liveserver.kernel.errors import Rejected

SNIPES_MAX = 3
"""Attempts of a sniper on one lot: a soft close takes the point out of more."""
DABBLES_MAX = 2
REFUSALS_MAX = 5
"""Refusals on one lot after which somebody looks away: they are not meant to bid here."""
PROXY_SHARES = (40, 65, 85, 100)
"""Percent of the valuation that somebody sets as a maximum, the first time and after each time it was passed: nobody shows
how far they would go at once."""
LEAP_MAX = 9
"""No bid above this many times the minimum: one above ten times is asked to be confirmed (auction-rules.md)."""


class Mind(msgspec.Struct):
    """One person's attitude to one lot. `bids` counts their own."""

    valuation: int
    bids: int = 0
    refusals: int = 0
    out: bool = False
    """Has given up on it."""


class Intent(msgspec.Struct, frozen=True):
    """To bid at least `amount` (or the minimum of that moment), `after_ms` from now."""

    after_ms: int
    amount: int


def step_of(lot: Mapping[str, Any]) -> int:
    """The distance to the next bid."""
    return max(1, lot["min_next"] - lot["price"]) if lot["price"] is not None else max(1, lot["start"] // 10)


def consider(
    who: Character, mind: Mind, lot: Mapping[str, Any], leading: bool, left_ms: int, random: Random
) -> Intent | None:
    """What this person means to do about the lot as it stands; None: nothing until something changes.

    May set `mind.out`.
    """
    least = lot["min_next"]
    if leading or mind.out:
        return None
    if least > mind.valuation or mind.refusals >= REFUSALS_MAX:
        mind.out = True
        return None
    pace_ms = int(who.pace_ms * random.uniform(0.6, 1.7))
    if lot["calls"]:  # the hammer is up: now or never
        pace_ms = random.randint(500, 2_000)
    match who.style:
        case "stepper":
            # Near one's limit every step hurts.
            if least * 100 > mind.valuation * 85 and random.random() < 0.15:
                mind.out = True
                return None
            return Intent(pace_ms, least)
        case "proxy":
            share = PROXY_SHARES[min(mind.bids, len(PROXY_SHARES) - 1)]
            return Intent(pace_ms * 2, _rounded(mind.valuation * share // 100, least, mind.valuation))
        case "jumper":
            return Intent(pace_ms + 1_500, least + step_of(lot) * random.randint(1, 4))
        case "dabbler":
            if mind.bids >= DABBLES_MAX or least * 2 > mind.valuation:
                mind.out = True
                return None
            return Intent(pace_ms, least)
        case "sniper":
            if mind.bids >= SNIPES_MAX:
                mind.out = True
                return None
            before_end_ms = random.randint(2_000, 5_500)
            now = lot["calls"] == 2 or left_ms <= before_end_ms
            wait_ms = random.randint(300, 900) if now else left_ms - before_end_ms
            return Intent(wait_ms, least + step_of(lot) * random.randint(0, 2))


def _rounded(amount: int, least: int, most: int) -> int:
    """A maximum as people type it: whole units, within what is possible and meant."""
    return min(most, max(least, amount // 100 * 100))


class Bidder:
    """Lives in a room and bids on what it likes. `leads` tells others (`chatter`) how it stands."""

    def __init__(self, room: Room, who: Character) -> None:
        self._room = room
        self._who = who
        self._random = who.random("bidding")
        self._seen: dict[str, int] = {}
        """How often each title was on offer: a few dozen titles, as many as the show has."""
        self.lot = ""
        self.mind = Mind(0)
        you = room.you.get("auction", {})
        self.public: str = you.get("id") or ""
        """One's own pseudonym, by which one knows oneself as the leader."""

    def leads(self, lot: Mapping[str, Any]) -> bool:
        """Whether this person leads the lot."""
        return bool(self.public) and lot["leader_id"] == self.public

    async def run(self) -> None:
        """Bids until the room ends."""
        room = self._room
        while room.ended is None:
            lot = room.lot
            if lot is None or lot["status"] != "open":
                await room.until(self._open)
                continue
            if lot["lot"] != self.lot:
                self._notice(lot)
            left_ms = lot["ends_at"] - room.server_now()
            intent = consider(self._who, self.mind, lot, self.leads(lot), left_ms, self._random)
            seen = _situation(lot)
            if intent is None:
                await room.until(lambda seen=seen: self._situation() != seen)
                continue
            # Thinking goes on while others bid; only what changes the plan interrupts it.
            plan = (lot["lot"], lot["calls"], lot["ends_at"] if self._who.style == "sniper" else 0)
            if not await room.until(lambda plan=plan: self._plan() != plan, intent.after_ms):
                await self._bid(intent)

    def _open(self) -> bool:
        lot = self._room.lot
        return lot is not None and lot["status"] == "open"

    def _situation(self) -> tuple[Any, ...]:
        lot = self._room.lot
        return () if lot is None else _situation(lot)

    def _plan(self) -> tuple[Any, ...]:
        lot = self._room.lot
        if lot is None or lot["status"] != "open":
            return ()
        return (lot["lot"], lot["calls"], lot["ends_at"] if self._who.style == "sniper" else 0)

    def _notice(self, lot: Mapping[str, Any]) -> None:
        title = lot["title"]
        occasion = self._seen[title] = self._seen.get(title, 0) + 1
        self.lot = lot["lot"]
        self.mind = Mind(self._who.valuation(occasion, title, lot["start"]))

    async def _bid(self, intent: Intent) -> None:
        lot = self._room.lot
        if lot is None or lot["lot"] != self.lot or lot["status"] != "open" or self.leads(lot):
            return
        least = lot["min_next"]
        amount = min(max(intent.amount, least), self.mind.valuation, least * LEAP_MAX)
        if amount < least:
            return  # overtaken while thinking: `consider` decides anew
        placed = await self._room.bid(lot["lot"], amount)
        if isinstance(placed, BidPlaced):
            self.public = placed.id
            self.mind.bids += 1
            # The event that shows the bid may come after its answer; without this, one would bid against oneself.
            await self._room.until(lambda: self._room.seq >= placed.seq, 1_000)
        else:
            await self._refused(placed)

    async def _refused(self, why: Rejected) -> None:
        if why.code == "already_leading":
            await self._room.until(lambda: False, 500)
        elif why.code != "bid_too_low":
            self.mind.refusals += 1
            await asyncio.sleep(0.5)


def _situation(lot: Mapping[str, Any]) -> tuple[Any, ...]:
    return (lot["lot"], lot["status"], lot["min_next"], lot["leader_id"], lot["calls"])
