"""Sends the people of one node elsewhere, spread over a time: who merely watches first, who bids on a lot that closes soon last.

It does not decide to leave (`cli.leaving` does), and it knows no auction: who has something at stake in a show, and until
when, is told to it by a `Stakes`. Connections are looked at once and again only when it is their turn, so that ten
thousand viewers cost nothing while others bid.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable

import msgspec
import structlog

from liveserver.gateway import closecodes
from liveserver.gateway.connection import Connection
from liveserver.gateway.fanout import Member, ShowRoom
from liveserver.gateway.stats import Stats
from liveserver.kernel.clock import Clock
from liveserver.rooms.model import STAFF
from liveserver.rooms.room import Room

TICK_MS = 100
"""How often some are sent away: a tenth of a second's worth at once is what a node admits without a line (`joins`)."""
SLICE = 200
"""Connections closed before the loop gets its turn: bids are read meanwhile."""
TOLD_MS = 250
"""The spread that each client is told when the server spreads by itself: enough that those of one tick do not arrive
together, and too little to be noticed."""
RESULT_MS = 500
"""How long bidders are kept behind the hammer, so that they hear here what it came to: recording a result takes a tenth of it."""

log = structlog.get_logger(__name__)


class Stake(msgspec.Struct, frozen=True):
    """What is undecided in a show at this moment."""

    people: Collection[str]
    """Ids of those who take part in it; the show's staff does in any case."""
    ends_ts: int
    """When it will be decided, by the show's time. It may move."""


Stakes = Callable[[Room], Stake | None]
"""What is at stake in a room now; None for nothing."""


def no_stakes(room: Room) -> Stake | None:
    """Nobody is anybody's bidder: all are sent away alike."""
    return None


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """How a node is to be emptied; times in ms."""

    grace_ms: int
    """After this whoever is left is sent away at once."""
    spread_ms: int = 0
    """Time over which the server sends people away; 0: all at once, and clients must spread."""
    told_ms: int = TOLD_MS
    """The spread in the close reason."""
    hold: bool = True
    """Whether those who have something at stake are kept until it is decided, if that is within the grace."""


class Sent(msgspec.Struct):
    """How many were sent away, and when in the order."""

    watching: int = 0
    bidding: int = 0
    """They had something at stake when their turn came first."""
    cut: int = 0
    """The grace was over, or somebody was in a hurry."""


class Drain:
    """One emptying of a node. `connections` is the gateway's own set: who leaves by themselves is gone from it."""

    def __init__(
        self,
        connections: Collection[Connection],
        rooms: Iterable[ShowRoom],
        stakes: Stakes,
        clock: Clock,
        stats: Stats,
        orders: Orders,
        hurry: asyncio.Event,
    ) -> None:
        self.sent = Sent()
        self._connections = connections
        self._rooms = rooms
        self._stakes = stakes
        self._clock = clock
        self._stats = stats
        self._orders = orders
        self._hurry = hurry
        now_ms = clock.monotonic_ms()
        self._until_ms = now_ms + orders.grace_ms
        spread_ms = min(orders.spread_ms, orders.grace_ms)
        ticks = max(1, spread_ms // TICK_MS)
        self._each_tick = max(1, -(-len(connections) // ticks))
        self._line = deque(connections)
        self._bidding: dict[Connection, int] = {}
        """With the monotonic ms at which they were last seen to have something at stake."""
        self._ends_ms: dict[str, tuple[Collection[str], int]] = {}
        """What is at stake by show, and when it ends by our monotonic clock; true for one tick."""

    async def run(self) -> Sent:
        """Returns when everybody was sent away, at the latest after the grace."""
        while not self._hurry.is_set() and self._clock.monotonic_ms() < self._until_ms:
            await self._tick()
            if not self._line and not self._bidding:
                break
            try:
                async with asyncio.timeout(TICK_MS / 1000):
                    await self._hurry.wait()
            except TimeoutError:
                continue
        left = [connection for connection in self._connections if connection.live]
        self.sent.cut = len(left)
        await self._send_away(left)
        return self.sent

    async def _tick(self) -> None:
        now_ms = self._clock.monotonic_ms()
        self._look(now_ms)
        going: list[Connection] = []
        while self._line and len(going) < self._each_tick:
            connection = self._line.popleft()
            if not connection.live:
                continue
            if self._end_ms(connection) is not None:
                self._bidding[connection] = now_ms
            else:
                going.append(connection)
        self.sent.watching += len(going)
        if not self._line:
            free = self._free(now_ms)[: self._each_tick - len(going)]
            for connection in free:
                del self._bidding[connection]
            self.sent.bidding += len(free)
            going += free
        await self._send_away(going)

    def _look(self, now_ms: int) -> None:
        """Sees what is at stake in every show of this node."""
        self._ends_ms.clear()
        if not self._orders.hold:
            return
        for room in self._rooms:
            stake = self._stakes(room.live.room)
            if stake is not None:
                ends_ms = now_ms + max(0, stake.ends_ts - room.live.server_now())
                self._ends_ms[room.record.id] = (stake.people, ends_ms)

    def _end_ms(self, connection: Connection) -> int | None:
        """When the last thing is decided that this connection takes part in; None if there is nothing."""
        latest: int | None = None
        for show, (people, ends_ms) in self._ends_ms.items():
            member: Member | None = connection.rooms.get(show)
            if member is not None and (member.actor.id in people or member.actor.role in STAFF):
                latest = ends_ms if latest is None else max(latest, ends_ms)
        return latest

    def _free(self, now_ms: int) -> list[Connection]:
        """Bidders who need not stay: it is decided, or it will be only when this node is gone. These first, the latest end
        before others, since for them a short absence matters least now."""
        late: list[tuple[int, Connection]] = []
        done: list[Connection] = []
        for connection, seen_ms in tuple(self._bidding.items()):
            if not connection.live:
                del self._bidding[connection]
                continue
            ends_ms = self._end_ms(connection)
            if ends_ms is None:
                if now_ms - seen_ms >= RESULT_MS:
                    done.append(connection)
            elif ends_ms + RESULT_MS > self._until_ms:
                late.append((ends_ms, connection))
            else:
                self._bidding[connection] = now_ms
        late.sort(key=lambda item: -item[0])
        return [connection for _, connection in late] + done

    async def _send_away(self, going: list[Connection]) -> None:
        for at, connection in enumerate(going, 1):
            if connection.live:
                connection.close(closecodes.DRAINING, self._orders.told_ms)
                self._stats.drained += 1
            if at % SLICE == 0:
                await asyncio.sleep(0)
