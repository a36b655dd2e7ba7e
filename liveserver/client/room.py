"""One show as a client lives in it: the picture of now, the events as they come, and what one can do there.

It talks to nobody itself: commands go through the client (`live`), events come from there.
"""

import asyncio
import copy
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import msgspec

from liveserver.client.results import BidPlaced, Bought, D, Done, LotOpened, Said, typed
from liveserver.client.view import apply
from liveserver.kernel.errors import Rejected

EVENTS_MAX = 2_000
"""Events kept for a reader who is busy with something else. When full they are dropped, and the reader gets one
`room:snapshot` with the state of the moment it reads on: late, but never wrong."""
SNAPSHOT = "room:snapshot"
"""Type of the event that replaces everything before it; its payload is the whole view."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened. `seq` 0: it stands outside the order (private, or a latest value). `ts` is server ms."""

    type: str
    payload: dict[str, Any]
    seq: int
    ts: int


class Sender(Protocol):
    """What a room needs of its client."""

    async def send(self, type_: str, payload: Mapping[str, Any]) -> dict[str, Any] | Rejected: ...
    async def leave(self, show: str) -> None: ...
    def server_now(self) -> int: ...


class Events(AsyncIterator[Event]):
    """The events of a room from the moment it was made. Ends when the room does."""

    def __init__(self, room: "Room", events_max: int) -> None:
        self._room = room
        self._events_max = events_max
        self._waiting: deque[Event] = deque()
        self._stale = False
        self._woken = asyncio.Event()

    def put(self, event: Event) -> None:
        if self._stale and event.type != SNAPSHOT:
            return  # it is part of the snapshot that comes instead
        if event.type == SNAPSHOT or len(self._waiting) >= self._events_max:
            self._waiting.clear()
            self._stale = True
        else:
            self._waiting.append(event)
        self._woken.set()

    def end(self) -> None:
        self._woken.set()

    async def __anext__(self) -> Event:
        while True:
            if self._stale:
                self._stale = False
                view = copy.deepcopy(self._room.view)
                return Event(SNAPSHOT, view, self._room.seq, self._room.ts)
            if self._waiting:
                return self._waiting.popleft()
            if self._room.ended is not None:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()

    def __aiter__(self) -> "Events":
        return self


class Room:
    """A joined show. `view` is always current: {"show", "auction", "chat", "spotlight"} as in docs/PROTOCOL.md.

    `you` holds what is yours alone as it was at the last join; private events bring what is new.
    """

    def __init__(self, show: str, client: Sender, *, events_max: int = EVENTS_MAX) -> None:
        self.show = show
        self.view: dict[str, Any] = {}
        self.you: dict[str, Any] = {}
        self.role = ""
        self.viewers = 0
        self.seq = 0
        self.ts = 0
        """Server time in ms of the last event applied."""
        self.ended: Rejected | None = None
        """Why no further event will come, or None."""
        self._client = client
        self._events_max = events_max
        self._readers: list[Events] = []
        self._changed = asyncio.Event()

    # -- reading

    def events(self) -> Events:
        """All events from now on, ordered ones and those that stand alone. Close to the end of its life a reader that
        is not needed any more is given back with `forget`."""
        reader = Events(self, self._events_max)
        self._readers.append(reader)
        return reader

    def forget(self, reader: Events) -> None:
        """Stops collecting events for a reader."""
        self._readers.remove(reader)

    async def until(self, condition: Callable[[], bool], timeout_ms: int | None = None) -> bool:
        """Waits until `condition` holds; looks at it now and after every change of `view`, and when the room ends.

        Whether it held; False after `timeout_ms`, or when the room ended without it.
        """
        try:
            async with asyncio.timeout(None if timeout_ms is None else max(0, timeout_ms) / 1000):
                while not condition():
                    if self.ended is not None:
                        return False
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True

    @property
    def lot(self) -> dict[str, Any] | None:
        """The document of the lot that runs (open or closing), or None."""
        auction: dict[str, Any] = self.view.get("auction", {})
        lot: dict[str, Any] | None = auction.get("lots", {}).get(auction.get("current"))
        return lot if lot is not None and lot["status"] in {"open", "closing"} else None

    def server_now(self) -> int:
        """Server time in ms, as well as it is known here."""
        return self._client.server_now()

    # -- doing

    async def send(self, type_: str, **payload: Any) -> dict[str, Any] | Rejected:
        """Any message about this show; arguments that are None are left out."""
        given = {name: value for name, value in payload.items() if value is not None}
        return await self._client.send(type_, {"show": self.show, **given})

    async def _do(self, kind: type[D], type_: str, **payload: Any) -> D | Rejected:
        return typed(await self.send(type_, **payload), kind)

    async def bid(
        self, lot: str, amount: int, *, exact: bool | None = None, confirm: bool = False
    ) -> BidPlaced | Rejected:
        """Bids up to `amount` minor units. Refusals: `bid_too_low` (detail.min_next), `already_leading`, `lot_closed`, …

        `confirm`: mean it even if it is far above the minimum; otherwise such a bid is refused with `confirm_bid`.
        """
        placed = await self._do(BidPlaced, "bid:place", lot=lot, amount=amount, exact=exact)
        if confirm and isinstance(placed, Rejected) and placed.code == "confirm_bid":
            token = placed.detail.get("token")
            return await self._do(BidPlaced, "bid:place", lot=lot, amount=amount, exact=exact, confirm=token)
        return placed

    async def chat(self, text: str) -> Said | Rejected:
        """Says something. Refusals: `slow_mode`, `muted`, `banned`, `repeated`, …"""
        return await self._do(Said, "chat:send", text=text)

    async def react(self, emoji: str) -> Done | Rejected:
        """Shows a feeling; counted, not kept."""
        return await self._do(Done, "reaction:send", emoji=emoji)

    async def start_show(self) -> Done | Rejected:
        """Goes live (host)."""
        return await self._do(Done, "show:start")

    async def end_show(self) -> Done | Rejected:
        """Ends the show for good (host)."""
        return await self._do(Done, "show:end")

    async def open_lot(self, **lot: Any) -> LotOpened | Rejected:
        """Opens a lot (host): `lot=` an id of the queue, or `product=` or `title=` with `start=`; `clock=`, `reserve=` and
        the other fields of `lot:open` in docs/PROTOCOL.md win over the queue's. Refusals: `lot_open`, `lot_known`, …"""
        return await self._do(LotOpened, "lot:open", **lot)

    async def call_lot(self, lot: str) -> Done | Rejected:
        """Going once, going twice, sold (host)."""
        return await self._do(Done, "lot:call", lot=lot)

    async def extend_lot(self, lot: str, by_ms: int = 10_000) -> Done | Rejected:
        """More time, up to the lot's hard end (host). Refused with `hard_end` when that is reached."""
        return await self._do(Done, "lot:extend", lot=lot, by_ms=by_ms)

    async def close_lot(self, lot: str) -> Done | Rejected:
        """The hammer, now (host)."""
        return await self._do(Done, "lot:close", lot=lot)

    async def pass_lot(self, lot: str) -> Done | Rejected:
        """Takes the lot back unsold (host)."""
        return await self._do(Done, "lot:pass", lot=lot)

    async def spotlight(
        self, product: str | None, *, units: int | None = None, limit: int | None = None
    ) -> Done | Rejected:
        """Shows a product to everybody, or none (host). `units` more of each variant are taken along to be sold at the fixed price;
        `limit` is the most that one person may buy. Refusals: `no_such_product`, `out_of_stock`, `show_ended`, …"""
        if product is None:
            return await self._do(Done, "spotlight:clear")
        return await self._do(Done, "spotlight:set", product=product, units=units, limit=limit)

    async def buy(self, product: str, *, variant: str = "", qty: int = 1) -> Bought | Rejected:
        """Buys from the spotlight at its price; `variant` may be left out where there is one. The order follows as the private event
        `order:updated`. Refusals: `sold_out` or `out_of_stock` (detail.left), `over_limit`, `not_in_spotlight`, `card_required`, …"""
        return await self._do(Bought, "spotlight:buy", product=product, variant=variant, qty=qty)

    async def leave(self) -> None:
        """Leaves the room; its events end."""
        await self._client.leave(self.show)

    # -- what the client tells it

    def on_snapshot(self, snapshot: dict[str, Any], reply: Mapping[str, Any]) -> None:
        first = not self.view
        self.view = snapshot
        self._joined(reply)
        self.seq = int(reply["seq"])
        if not first:
            self._tell(Event(SNAPSHOT, {}, self.seq, self.ts))
        self._wake()

    def on_resumed(self, reply: Mapping[str, Any]) -> None:
        self._joined(reply)

    def _joined(self, reply: Mapping[str, Any]) -> None:
        self.you = dict(reply.get("you") or {})
        self.role = str(reply.get("role", self.role))
        self.ts = max(self.ts, int(reply.get("server_now", 0)))

    def on_batch(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            apply(self.view, event)
            self.seq, self.ts = event["seq"], event["ts"]
            self._tell(Event(event["type"], event["payload"], self.seq, self.ts))
        self._wake()

    def on_alone(self, event: Mapping[str, Any]) -> None:
        payload: dict[str, Any] = event.get("payload") or {}
        if event["type"] == "viewer:count":
            self.viewers = int(payload["count"])
        self._tell(Event(event["type"], payload, 0, int(event.get("ts", 0))))

    def on_ended(self, why: Rejected) -> None:
        self.ended = why
        for reader in self._readers:
            reader.end()
        self._wake()

    def _tell(self, event: Event) -> None:
        for reader in self._readers:
            reader.put(event)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
