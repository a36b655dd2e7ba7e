"""What makes a hub's rooms the ones that record: it finds the shows that have something to record, opens them, keeps their leases.

For a process without viewers, so that serving cores need not record. It writes nothing itself: each room's recorder does,
and each room's timers and confirmations work here as on any node. Without this process serving nodes record by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import structlog

from liveserver.infra.database import Pool
from liveserver.kernel.tasks import end
from liveserver.rooms import store
from liveserver.rooms.hub import Hub, NoShow, RoomUnavailable
from liveserver.rooms.model import Event, Feature
from liveserver.rooms.recorder import AWAY, LEASE_MS

log = structlog.get_logger(__name__)

ROUND_S = 0.5
"""How often leases are renewed and shows looked for: several times within a lease, and soon after a show's first entry."""
OPEN_MAX = 50
"""Shows opened in one round; more wait for the next, recorded by their serving nodes meanwhile."""
AGAIN_MS = 10_000
"""After this long a show that could not be opened is tried again; its serving nodes record it meanwhile."""
LEFT_BEHIND_MS = 60_000
"""How long ago a dedicated recorder may have died for its shows to be taken over without anybody serving them."""


class _Silent:
    def __init__(self, feature: Feature) -> None:
        for name in dir(feature):
            if not name.startswith("__"):
                setattr(self, name, getattr(feature, name))
        self.events = _no_events


def _no_events(*_what: Any) -> Sequence[Event]:
    return ()


def silent(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The same rules without events: where nobody listens, making and keeping them would be half of a bid's cost."""
    return tuple(cast(Feature, _Silent(feature)) for feature in features)


class Dedicated:
    """Around a hub that was made `dedicated`, best of `silent` features. Start it after the hub and close it before."""

    def __init__(self, hub: Hub, pool: Pool) -> None:
        self._hub = hub
        self._pool = pool
        self._seen: dict[str, int] = {}
        self._not_before_ms: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins its rounds."""
        # Two tasks: a room that takes long to open must not cost the leases of the others.
        for round_of in (self._keep_leases, self._find_shows):
            self._tasks.append(asyncio.create_task(self._rounds(round_of), name="dedicated recorder"))

    async def aclose(self) -> None:
        """Takes no more shows; those that are open stay so until the hub closes them."""
        await end(*self._tasks)

    async def _rounds(self, round_of: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await round_of()
            except AWAY as error:
                log.warning("recorder_round_failed", error=repr(error))
            except Exception:
                # One show's trouble must not end the care for all others.
                log.exception("recorder_round_broken")
            await asyncio.sleep(ROUND_S)

    async def _keep_leases(self) -> None:
        self._keep_awake()
        mine = [show for show, room in self._hub.rooms.items() if room.keeps_recording]
        if mine:
            await self._pool.execute(store.QUERIES.keep_leases, self._hub.node, mine, LEASE_MS)

    async def _find_shows(self) -> None:
        rooms, now_ms = self._hub.rooms, self._hub.clock.monotonic_ms()
        self._not_before_ms = {show: at for show, at in self._not_before_ms.items() if at > now_ms}
        passed_over = [*rooms, *self._not_before_ms]
        rows = await self._pool.fetch(
            store.QUERIES.shows_to_record, self._hub.node, LEFT_BEHIND_MS, passed_over, OPEN_MAX
        )
        for row in rows:
            show = row["show"]
            try:
                await self._hub.open(show)
            except (NoShow, RoomUnavailable) as error:
                self._not_before_ms[show] = self._hub.clock.monotonic_ms() + AGAIN_MS
                log.warning("recorder_without_room", show=show, reason=repr(error))

    def _keep_awake(self) -> None:
        # A hub closes rooms that nobody has touched for a while. Here there is nobody; entries count instead.
        now_ms = self._hub.clock.monotonic_ms()
        seqs = {show: room.seq for show, room in self._hub.rooms.items()}
        for show, seq in seqs.items():
            if self._seen.get(show) != seq:
                self._hub.rooms[show].touched_ms = now_ms
        self._seen = seqs
