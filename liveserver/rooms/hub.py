"""All live rooms of this node: opened when somebody needs one, closed when nobody does.

Shows that are live are kept open without viewers too, for their lots end by time.
"""

import asyncio
import contextvars
import time
from collections.abc import Sequence
from functools import partial

import structlog
from redis.exceptions import RedisError

from liveserver import __version__
from liveserver.infra.database import AWAY, Pool
from liveserver.infra.shards import Shards
from liveserver.infra.tracing import span
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Mendable, Rejected
from liveserver.kernel.ids import ShowId, new_id
from liveserver.kernel.tasks import end
from liveserver.nodes.model import NodeCard
from liveserver.nodes.service import Nodes
from liveserver.rooms import holders
from liveserver.rooms.feed import Feed
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import UNRECORDED_MAX, LogCorrupt, ShowLog, load_functions
from liveserver.rooms.logclock import LogClock, anchor
from liveserver.rooms.model import LOG_VERSION, Feature
from liveserver.rooms.numbers import RoomNumbers
from liveserver.rooms.offers import Offers
from liveserver.rooms.recorder import Counts, Numbers, Projector
from liveserver.rooms.room import LogBroken
from liveserver.shows.service import Shows

log = structlog.get_logger(__name__)

ROOMS_MAX = 500
"""Rooms open at once on a node; more are refused as unavailable."""
LIVE_MAX = 100
"""Live shows opened at start; the others open with their first viewer."""
IDLE_MAX_MS = 60_000
"""A room that nobody has needed for so long is closed."""
SWEEP_S = 10.0


class NoShow(Exception):
    """There is no show of this id."""


class RoomUnavailable(Exception):
    """The show's room can't be opened at the moment; the message says why. Trying again later may help."""


class RoomUnreadable(RoomUnavailable):
    """This process can't follow the show: its log holds what this release does not know, or is broken. Another one may."""


class Hub:
    """The rooms of one node, whose logs lie on `shards`. `replicas` must have a command on disk before it is acknowledged.
    `dedicated`: this process only records, and has preference in it."""

    def __init__(
        self,
        pool: Pool,
        shards: Shards,
        shows: Shows,
        features: Sequence[Feature],
        projectors: Sequence[Projector],
        clock: Clock,
        *,
        unrecorded_max: int = UNRECORDED_MAX,
        replicas: int = 0,
        dedicated: bool = False,
        origin: str = "",
    ) -> None:
        self.node = new_id("recorder" if dedicated else "node")
        self.nodes = Nodes(
            pool,
            NodeCard(
                id=self.node,
                kind="recorder" if dedicated else "serving",
                release=__version__,
                log_version=LOG_VERSION,
                kinds=tuple(sorted(word for f in features for word in (*f.commands, *f.versions))),
                origin=origin,
            ),
        )
        """Who else lives; this hub takes part in the registry while it runs."""
        self.offers = Offers(self.nodes.card.kinds)
        """What all living processes can decide."""
        self._unreadable = False
        self._counts = Counts()
        self.numbers = RoomNumbers()
        """What all its rooms count."""
        self.clock = clock
        self._anchor_ms = anchor(clock)
        self.features = tuple(features)
        self.rooms: dict[str, LiveRoom] = {}
        self._pool = pool
        self._shards = shards
        self._shows = shows
        self._projectors = tuple(projectors)
        self._unrecorded_max = unrecorded_max
        self._replicas = replicas
        self._dedicated = dedicated
        self._feed = Feed(shards)
        self._opening: dict[str, asyncio.Task[LiveRoom]] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Enters the registry, loads the log's functions, opens the rooms of all live shows, and begins to sweep idle ones."""
        await self.nodes.start()
        await self.offers.look(self.nodes)
        self.nodes.on_beat(partial(self.offers.look, self.nodes))
        self.nodes.on_beat(self._answer_asks)
        for shard in self._shards.all():
            await load_functions(shard.general)
        self._sweeper = asyncio.create_task(self._sweep(), name="sweep rooms")
        page = await self._shows.list("live", limit=LIVE_MAX)
        assert not isinstance(page, Rejected), "the first page of a list can't be refused"
        for show in page.items:
            try:
                await self.open(show.id)
            except RoomUnavailable as error:
                log.error("room_unavailable", show=show.id, reason=str(error))

    async def open(self, show: str) -> LiveRoom:
        """The show's room, opened if it was not. Raises NoShow or RoomUnavailable."""
        room = self.rooms.get(show)
        if room is not None:
            room.touched_ms = self.clock.monotonic_ms()
            return room
        opening = self._opening.get(show)
        if opening is None:
            if len(self.rooms) + len(self._opening) >= ROOMS_MAX:
                raise RoomUnavailable(f"this node has {ROOMS_MAX} rooms open already")
            # In a context of its own: a room lives on, and its log lines are not about the request that happened to open it.
            opening = asyncio.create_task(
                self._open(show), name=f"open {show}", context=contextvars.Context()
            )
            self._opening[show] = opening
            opening.add_done_callback(lambda _: self._opening.pop(show, None))
        # Others may wait for the same room: one who goes away must not end it for them.
        return await asyncio.shield(opening)

    async def _open(self, show: str) -> LiveRoom:
        began_s = time.perf_counter()
        structlog.contextvars.bind_contextvars(show=show)
        try:
            if await self._shows.get(ShowId(show)) is None:
                raise NoShow(show)
            show_log = ShowLog(
                show, self._shards, unrecorded_max=self._unrecorded_max, replicas=self._replicas
            )
            room = LiveRoom(
                show,
                self.features,
                self._projectors,
                self._pool,
                show_log,
                self._feed,
                self.node,
                self.clock,
                LogClock(self.clock, self._anchor_ms),
                offers=self.offers,
                counts=self._counts,
                numbers=self.numbers,
                dedicated=self._dedicated,
            )
            with span("open room", show=show):
                await room.open()
        except (*AWAY, RedisError) as error:
            raise RoomUnavailable(f"storage is away: {error!r}") from error
        except (Mendable, LogBroken, LogCorrupt) as error:
            log.error("room_not_opened", show=show, reason=str(error))
            self._unreadable = self._unreadable or isinstance(error, LogBroken)
            raise (RoomUnreadable if isinstance(error, LogBroken) else RoomUnavailable)(str(error)) from error
        self.rooms[show] = room
        self.numbers.open_s.add(time.perf_counter() - began_s)
        return room

    @property
    def outdated(self) -> bool:
        """Whether people are better sent to other processes: there is a show that this one can't follow, and a newer one beside."""
        return self.offers.surpassed and (self._unreadable or any(room.stuck for room in self.rooms.values()))

    def recording(self) -> Numbers:
        """How far the record is behind the rooms of this node, and what this node has written itself."""
        rooms = self.rooms.values()
        return Numbers(
            max((room.unrecorded for room in rooms), default=0),
            max((room.unrecorded_ms for room in rooms), default=0),
            self._counts,
        )

    async def _answer_asks(self) -> None:
        """Yields the logs that others want to open again (`holders`)."""
        for show in await holders.asked(self._pool, self.node):
            room = self.rooms.get(show)
            if room is not None:
                room.asked()
            elif show not in self._opening:
                await holders.let_go(self._pool, show, self.node)  # closed, and could not say so then

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now_ms = self.clock.monotonic_ms()
            for show, room in list(self.rooms.items()):
                if room.idle and now_ms - room.touched_ms > IDLE_MAX_MS:
                    del self.rooms[show]
                    await room.aclose()

    async def aclose(self) -> None:
        """Closes all rooms: what was submitted is answered and recorded."""
        await end(self._sweeper)
        rooms = list(self.rooms.values())
        self.rooms.clear()
        await asyncio.gather(*(room.aclose() for room in rooms))
        await self._feed.aclose()
        await self.nodes.aclose()
