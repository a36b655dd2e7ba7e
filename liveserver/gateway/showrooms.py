"""Which shows this node has viewers of: opened by the first, kept fresh, let go some time after the last.

It does not know what happens in a show (`fanout`).
"""

import asyncio
from collections.abc import Iterator

from liveserver.gateway.fanout import Services, ShowRoom
from liveserver.gateway.ports import Hub
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId
from liveserver.rooms.hub import NoShow

EMPTY_KEPT_MS = 60_000
"""A room without viewers is kept this long: people reload pages, and opening costs a recovery."""
OPENING_MAX = 64
"""Shows that may be opening at once: each costs a recovery; more are told to try again."""

NO_SHOW = Rejected("no_show", "There is no such show.", detail={"field": "payload.show"})
BUSY = Rejected("busy", "Too many shows are being opened. Try again in a moment.", retryable=True)


class ShowRooms:
    """The open rooms by show id."""

    def __init__(self, hub: Hub, services: Services) -> None:
        self._hub = hub
        self._services = services
        self._open: dict[str, ShowRoom] = {}
        self._opening: dict[str, asyncio.Task[ShowRoom | Rejected]] = {}

    def here(self, show: str) -> ShowRoom | None:
        """The show's room if it is open: the way of nearly all joins, without waiting."""
        return self._open.get(show)

    async def open(self, show: str) -> ShowRoom | Rejected:
        """The show's room, opened if need be; everybody who waits for one show waits for one opening.

        Raises RoomUnavailable, as the hub does, and what reading the record raises.
        """
        room = self._open.get(show)
        if room is not None:
            return room
        task = self._opening.get(show)
        if task is None:
            if len(self._opening) >= OPENING_MAX:
                return BUSY
            task = self._opening[show] = asyncio.create_task(self._load(show), name=f"open {show}")
            task.add_done_callback(lambda _: self._opening.pop(show, None))
        # A viewer who leaves meanwhile must not cancel the opening that others wait for.
        return await asyncio.shield(task)

    async def _load(self, show: str) -> ShowRoom | Rejected:
        record = await self._services.shows.get(ShowId(show))
        if record is None:
            return NO_SHOW
        try:
            live = await self._hub.open(show)
        except NoShow:
            return NO_SHOW
        room = self._open[show] = ShowRoom(record, live, self._services)
        return room

    async def refresh(self) -> None:
        """Reads the records of the shows that have viewers again, and lets go of rooms long empty."""
        now_ms = self._services.clock.monotonic_ms()
        for show, room in tuple(self._open.items()):
            if not room.members and now_ms - room.empty_since_ms >= EMPTY_KEPT_MS:
                del self._open[show]
                room.close()
            elif room.members:
                record = await self._services.shows.get(ShowId(show))
                if record is not None:
                    room.update(record)

    def __iter__(self) -> Iterator[ShowRoom]:
        return iter(tuple(self._open.values()))

    async def aclose(self) -> None:
        """Closes all rooms of this node's viewers; their live rooms are the hub's."""
        for task in tuple(self._opening.values()):
            task.cancel()
        for room in self:
            room.close()
        self._open.clear()
