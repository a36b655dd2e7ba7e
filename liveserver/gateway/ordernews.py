"""Tells buyer and seller that an order of theirs changed, on whatever connection they have here: `order:updated`.

Word that an order changed comes from the record (`sales.notices`); what it says now is read once for all changes of a moment, and only
when somebody whom it concerns is connected. It may be lost, as every event that stands alone: pages that matter ask again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from redis.exceptions import RedisError

from liveserver.gateway.codecs import Codec
from liveserver.gateway.connection import Connection
from liveserver.infra.database import AWAY
from liveserver.kernel.clock import Clock
from liveserver.orders.model import Order
from liveserver.orders.telling import Notice
from liveserver.sales.telling import document

WAITING_MAX = 1_000
"""Orders whose news wait to be read; the oldest go first, and their people see it with the next page."""
READ_MAX = 200
"""Orders read at once."""

log = logging.getLogger(__name__)

Read = Callable[[Sequence[str]], Awaitable[list[Order]]]
Connections = Callable[[str], Iterable[Connection]]


class OrderNews:
    """`read` gives orders by their ids, `connections` those that a person has open here."""

    def __init__(self, read: Read, connections: Connections, clock: Clock) -> None:
        self._read = read
        self._connections = connections
        self._clock = clock
        self._waiting: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None

    def changed(self, notice: Notice) -> None:
        """An order changed. Nothing is done when nobody whom it concerns is here."""
        if not any(True for user in (notice.buyer, notice.seller) for _ in self._connections(user)):
            return
        self._waiting.pop(notice.order, None)
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[notice.order] = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="order news")

    async def aclose(self) -> None:
        """Tells nothing more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        while self._waiting:
            part = list(self._waiting)[:READ_MAX]
            for order in part:
                del self._waiting[order]
            try:
                orders = await self._read(part)
            except (*AWAY, RedisError):
                log.info("order_news_lost", extra={"orders": len(part)})
                continue
            for order in orders:
                self._send(order.buyer, order, document(order, "buyer"))
                self._send(order.seller, order, document(order, "seller"))

    def _send(self, user: str, order: Order, payload: dict[str, Any]) -> None:
        ts = self._clock.now_ms()
        frames: dict[tuple[Codec, str], bytes] = {}
        for connection in tuple(self._connections(user)):
            rooms = connection.rooms
            # Clients sort what they hear by show; who is elsewhere hears it there.
            show = order.show if order.show in rooms else next(iter(rooms), "")
            if not show:
                continue
            codec = connection.codec
            frame = frames.get((codec, show))
            if frame is None:
                frame = frames[codec, show] = codec.frame(_alone("order:updated", show, ts, payload))
            connection.send(frame)


def _alone(kind: str, show: str, ts: int, payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "show": show, "ts": ts, "payload": payload}
