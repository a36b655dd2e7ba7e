"""The host bot: runs a show as a person would, over and over, and steps back as soon as a person does.

It has the host's account and the host's commands, nothing more. Whatever it did not do itself but only a host can do was
done by a human: then it keeps still until nobody has hosted for a while. How one lot is led is `hammer`'s.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, TypeVar

from liveserver.accounts.model import Identity
from liveserver.client import Done, Event, Room
from liveserver.demo.hammer import Call, Hammer, Remark
from liveserver.demo.phrases import HOST, HostOccasion
from liveserver.demo.shelf import Shelf
from liveserver.demo.voice import Voice, blanks
from liveserver.kernel.errors import Rejected

YIELD_MS = 120_000
"""How long after a human's last act as the host the bot takes over again."""
OWN_MAX = 400
"""Own commands remembered, so that their events are not taken for a human's; far more than are ever on their way."""
HOST_EVENTS = frozenset(
    "lot:opened lot:called lot:voided product:highlighted chat:pinned chat:slow show:started".split()
)
"""What only a host (or a moderator) brings about. Ends and passes have other causes too."""

LOOK_MS = 500
"""How often the host looks up when nothing happens."""

STARTS_MS = 5_000
"""Longest wait for the show to be live after it was started."""

D = TypeVar("D", bound=Done)
log = logging.getLogger(__name__)


class HostBot:
    """One show's host. `floor` is shared with the crowd through `voice`."""

    def __init__(self, room: Room, identity: Identity, shelf: Shelf, voice: Voice, random: Random) -> None:
        self._room = room
        self._identity = identity
        self._shelf = shelf
        self._voice = voice
        self._random = random
        self._own: deque[int] = deque(maxlen=OWN_MAX)
        self._own_messages: deque[str] = deque(maxlen=OWN_MAX)
        self._acting = asyncio.Lock()
        self._yield_until_ms = 0
        self._offered = 0

    async def run(self) -> None:
        """Hosts until the show or the room ends."""
        watching = asyncio.create_task(self._watch(self._room.events()), name="host watches for a human")
        try:
            if self._room.view["show"]["status"] == "scheduled":
                await self._do(self._room.start_show)
                # The answer comes before the event: until it has come too, the show does not look live from here.
                await self._room.until(lambda: self._room.view["show"]["status"] != "scheduled", STARTS_MS)
                await self._say("welcome")
            while self._room.ended is None and self._room.view["show"]["status"] == "live":
                if self.yields:
                    await self._stand_by()
                elif (lot := self._room.lot) is not None:
                    await self._lead(lot["lot"])
                else:
                    await self._present()
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    # -- beside a human

    @property
    def yields(self) -> bool:
        """Whether a human is hosting."""
        return self._room.server_now() < self._yield_until_ms

    async def _watch(self, events: Any) -> None:
        async for event in events:
            # A command's events may come before its answer; wait until it is known what was ours.
            async with self._acting:
                if self._is_humans(event):
                    await self._step_back()

    def _is_humans(self, event: Event) -> bool:
        payload = event.payload
        match event.type:
            case "chat:new":
                return payload["user"]["id"] == self._identity.id and payload["id"] not in self._own_messages
            case "lot:closing":
                hosts = payload.get("cause") in {"host", "called"}
            case "chat:deleted":
                hosts = payload.get("by") == "moderator"
            case "lot:extended":
                hosts = payload.get("cause") == "host"
            case "lot:passed":
                hosts = payload.get("reason") == "host"
            case _:
                hosts = event.type in HOST_EVENTS
        return hosts and event.seq not in self._own

    async def _step_back(self) -> None:
        was_in_charge = not self.yields
        self._yield_until_ms = self._room.server_now() + YIELD_MS
        if was_in_charge:
            log.info("a human hosts %s; the bot steps back", self._room.show)
            await self._send_chat(self._line("handover", {}))

    async def _stand_by(self) -> None:
        while self.yields and not self._over():
            await self._room.until(self._over, 1_000)
        if self._over():
            return
        await self._say("resume")

    def _over(self) -> bool:
        return self._room.view["show"]["status"] != "live"

    # -- doing and saying

    async def _do(self, act: Callable[..., Awaitable[D | Rejected]], *args: Any, **more: Any) -> D | Rejected:
        async with self._acting:
            done = await act(*args, **more)
            if not isinstance(done, Rejected):
                self._own.append(done.seq)
            return done

    async def _say(
        self, occasion: HostOccasion, lot: Mapping[str, Any] | None = None, name: str = ""
    ) -> None:
        await self._say_line(self._line(occasion, blanks(lot, name)))

    async def _say_line(self, line: str) -> None:
        if not self.yields:
            async with self._acting:
                await self._send_chat(line)

    async def _send_chat(self, line: str) -> None:
        said = await self._room.chat(line)
        if not isinstance(said, Rejected):
            self._own.append(said.seq)
            self._own_messages.append(said.id)

    def _line(self, occasion: HostOccasion, fill: Mapping[str, str]) -> str:
        return self._voice.line(HOST[occasion], fill)

    async def _pause(self, low_s: float, high_s: float) -> None:
        """A moment, unless a human takes over meanwhile."""
        ms = int(self._random.uniform(low_s, high_s) * 1000)
        await self._room.until(lambda: self.yields or self._over(), ms)

    # -- one lot

    async def _present(self) -> None:
        """Shows the next thing and opens it."""
        lot = await self._shelf.next()
        if lot is None:
            await self._pause(2, 3)
            return
        if lot.product is not None:
            await self._do(self._room.spotlight, lot.product)
        fill = {"thing": lot.title.split(",")[0], "price": "", "next": "", "name": ""}
        await self._say_line(self._line("next", fill))
        await self._pause(2.5, 4)
        if self.yields or self._room.lot is not None or self._over():
            return
        opened = await self._do(self._room.open_lot, lot=lot.id)
        if isinstance(opened, Rejected):
            log.info("lot %s does not open: %s", lot.id, opened.code)
            self._shelf.skip(lot.id)
            await self._pause(1, 2)
            return
        self._shelf.skip(lot.id)
        await self._room.until(lambda: self._room.seq >= opened.seq, 2_000)

    async def _lead(self, lot_id: str) -> None:
        """Talks and calls until the lot is decided, then congratulates."""
        hammer = Hammer(self._document(lot_id), self._room.server_now(), self._random)
        while (lot := self._room.lot) is not None and lot["lot"] == lot_id and not self.yields:
            situation = _situation(lot)
            match hammer.look(lot, self._room.server_now()):
                case Remark(occasion, words):
                    await self._say_line(words if occasion is None else self._line(occasion, blanks(lot)))
                case Call(number):
                    await self._call(lot, number)
                case None:
                    await self._room.until(lambda s=situation: self._now() != s, LOOK_MS)
        if self.yields:
            return
        await self._room.until(lambda: self._document(lot_id).get("status") in {"sold", "passed"}, 6_000)
        lot = self._document(lot_id)
        if lot.get("status") == "sold":
            await self._say("sold", lot)
        elif lot.get("status") == "passed":
            await self._say("reserve" if lot["bids"] else "no_bids", lot)
        await self._shelf.restock()
        await self._pause(3.5, 5)
        if self._random.random() < 0.3:
            await self._say("between")
            await self._pause(1.5, 2.5)

    def _document(self, lot_id: str) -> dict[str, Any]:
        return self._room.view["auction"]["lots"].get(lot_id, {})

    async def _call(self, lot: Mapping[str, Any], number: int) -> None:
        called = await self._do(self._room.call_lot, lot["lot"])
        if isinstance(called, Rejected):
            await self._pause(0.5, 0.6)  # too soon, or a bid or the end came first
        elif number < 3:
            await self._say("once" if number == 1 else "twice", lot)

    def _now(self) -> tuple[Any, ...]:
        lot = self._room.lot
        return _situation(lot) if lot is not None else ()


def _situation(lot: Mapping[str, Any]) -> tuple[Any, ...]:
    return (lot["lot"], lot["bids"], lot["calls"], lot["status"])
