"""The crowd's chat: each bot listens to what happens and now and then says something that fits. Bidding is `bidder`'s."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from liveserver.client import SNAPSHOT, Event, Room
from liveserver.demo.bidder import Bidder
from liveserver.demo.goods import BY_TITLE
from liveserver.demo.people import Character
from liveserver.demo.phrases import CROWD, Occasion
from liveserver.demo.voice import Floor, Voice, blanks
from liveserver.kernel.clock import Clock

IDLE_MS = 16_000
"""How long, more or less, until somebody says something for no reason."""
STALE_MS = 4_000
"""Nobody comments on what is longer ago than this."""
REACTIONS: Mapping[Occasion, tuple[str, ...]] = {
    "opened": ("😮", "❤️"),
    "extended": ("🔥",),
    "won": ("🎉", "❤️"),
    "sold": ("👏", "🎉"),
    "sold_high": ("🔥", "👏"),
    "sold_low": ("😮", "😂"),
}
WHILE_OPEN: frozenset[Occasion] = frozenset(
    {"opened", "price_up", "extended", "called", "outbid", "leading", "dropped_out"}
)
ABOUT_RIVALS: frozenset[Occasion] = frozenset({"price_up", "outbid", "dropped_out"})
ALWAYS: frozenset[Occasion] = frozenset({"won", "outbid"})
"""Occasions about oneself: these are hard to leave without a word."""


class Chatter:
    """One person's ears and tongue. `is_bot` tells bots from visitors, who are greeted."""

    def __init__(
        self,
        room: Room,
        who: Character,
        bidder: Bidder,
        floor: Floor,
        clock: Clock,
        is_bot: Callable[[str], bool],
    ) -> None:
        self._room = room
        self._who = who
        self._bidder = bidder
        self._random = who.random("chat")
        self._voice = Voice(room, floor, clock, who.random("voice"))
        self._is_bot = is_bot

    async def run(self) -> None:
        """Talks until the room ends."""
        events = self._room.events()
        try:
            await self._arrive()
            while True:
                try:
                    async with asyncio.timeout(IDLE_MS * self._random.uniform(0.5, 2) / 1000):
                        event = await anext(events)
                except TimeoutError:
                    await self._say("idle", None)
                except StopAsyncIteration:
                    return
                else:
                    # What happened while one was typing is old news.
                    if self._room.server_now() - event.ts < STALE_MS:
                        await self._hear(event)
        finally:
            self._room.forget(events)

    async def _arrive(self) -> None:
        if self._random.random() < 0.5:
            await self._say("arrive", None, percent=60)

    async def _hear(self, event: Event) -> None:
        if event.type == SNAPSHOT:
            return
        payload = event.payload
        lots: dict[str, dict[str, Any]] = self._room.view["auction"]["lots"]
        lot = lots.get(payload.get("lot", "")) if isinstance(payload.get("lot"), str) else None
        match event.type:
            case "chat:new":
                await self._hear_chat(payload)
            case "product:highlighted" if payload["product"] is not None:
                await self._say("highlighted", None, percent=self._who.talkative // 3)
            case "bid:outbid" if lot is not None:
                over = lot["min_next"] > self._bidder.mind.valuation
                await self._say("dropped_out" if over else "outbid", lot)
            case _ if lot is not None:
                await self._hear_lot(event.type, lot)
            case _:
                pass

    async def _hear_lot(self, kind: str, lot: dict[str, Any]) -> None:
        match kind:
            case "lot:opened":
                await self._say("opened", lot)
            case "bid:accepted":
                if self._bidder.leads(lot):
                    await self._say("leading", lot, percent=8)
                elif lot["bids"] % 4 == 0:
                    await self._say("price_up", lot)
            case "lot:extended":
                await self._say("extended", lot, percent=self._who.talkative // 2)
            case "lot:called":
                await self._say("called", lot, percent=self._who.talkative // 2)
            case "lot:sold":
                await self._say(self._sold(lot), lot)
            case "lot:passed":
                await self._say("passed", lot)
            case _:
                pass

    def _sold(self, lot: Mapping[str, Any]) -> Occasion:
        if self._bidder.leads(lot):
            return "won"
        good = BY_TITLE.get(lot["title"])
        if good is None:
            return "sold"
        if lot["price"] > good.worth:
            return "sold_high"
        return "sold_low" if lot["price"] * 2 < good.worth else "sold"

    async def _hear_chat(self, message: Mapping[str, Any]) -> None:
        user: Mapping[str, str] = message["user"]
        if self._is_bot(user["id"]):
            return
        await self._say("newcomer", self._room.lot, name=user["name"], percent=self._who.talkative // 2)

    async def _say(
        self, occasion: Occasion, lot: dict[str, Any] | None, *, name: str = "", percent: int | None = None
    ) -> None:
        chance = self._who.talkative if percent is None else percent
        if occasion in ALWAYS:
            chance = max(chance, 50)
        emoji = REACTIONS.get(occasion)
        if emoji and self._random.randrange(100) < chance:
            await self._room.react(self._random.choice(emoji))
        if self._random.randrange(100) < chance:
            await self._voice.crowd(CROWD[occasion], lambda: self._fill(occasion, lot, name))

    def _fill(self, occasion: Occasion, lot: dict[str, Any] | None, name: str) -> dict[str, str] | None:
        """What the line is about, as it is by now; None when it would be beside the point."""
        if lot is not None:
            leads = self._bidder.leads(lot)
            if occasion in WHILE_OPEN and (lot["status"] != "open" or lot is not self._room.lot):
                return None
            if (occasion == "leading" and not leads) or (occasion in ABOUT_RIVALS and leads):
                return None
        return blanks(lot, name)
