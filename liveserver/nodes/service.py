"""One process's part in the registry: it beats, and sees who else lives.

While PostgreSQL is away nobody beats and nobody is seen; whoever asks then is told so by PostgreSQL's own errors.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from liveserver.infra import database
from liveserver.infra.database import Pool, load_queries
from liveserver.kernel.tasks import end
from liveserver.nodes.model import NodeCard, NodeSeen

log = structlog.get_logger(__name__)

Q = load_queries("liveserver.nodes")

BEAT_S = 1.0
"""How often a process says that it lives."""
DEAD_MS = 5_000
"""After so much silence a process counts as dead: five beats, so that one long pause of a busy loop kills nobody."""
FORGET_MS = 3_600_000
"""Dead processes stay visible in the table for an operator's eyes this long."""
COUNT_BEATS = 5
"""Every so many beats the living are counted, for /metrics."""
NODES_MAX = 1_000
"""Processes seen at most; a deployment of this size has other troubles first."""
NUMBERS_BYTES_MAX = 262_144
"""What a process may say of itself at each beat; more is left out, and logged once."""
AWAY = database.AWAY

Numbers = Callable[[], dict[str, Any]]
OnBeat = Callable[[], Awaitable[None]]


class Nodes:
    """The registry as one process uses it. `start` before anything that others must know of; `aclose` at the very end."""

    def __init__(self, pool: Pool, card: NodeCard) -> None:
        self.card = card
        self.draining = False
        """Told with the next beat."""
        self.seen: dict[str, int] = {}
        """Living processes by kind, as last counted."""
        self._beats = 0
        self._pool = pool
        self._numbers: Numbers = dict
        self._on_beat: list[OnBeat] = []
        self._task: asyncio.Task[None] | None = None
        self._too_long_said = False

    def tell(self, numbers: Numbers) -> None:
        """What each beat says besides that we live: JSON of at most `NUMBERS_BYTES_MAX`. Called once a beat."""
        self._numbers = numbers

    def on_beat(self, callback: OnBeat) -> None:
        """Awaited after each beat that PostgreSQL took. May raise what PostgreSQL raises."""
        self._on_beat.append(callback)

    async def start(self) -> None:
        """Returns once this process is in the registry. Raises what PostgreSQL raises."""
        await self._beat()
        await self._pool.execute(Q.forget, FORGET_MS)
        self._task = asyncio.create_task(self._run(), name="nodes")

    async def say_draining(self) -> None:
        """Tells the others now that this process leaves, without waiting for the next beat. Raises what PostgreSQL raises."""
        self.draining = True
        await self._beat()

    async def aclose(self) -> None:
        """Leaves the registry; should that fail, the silence says it."""
        await end(self._task)
        try:
            await self._pool.execute(Q.leave, self.card.id)
        except AWAY as error:
            log.info("node_not_taken_off", error=repr(error))

    async def alive(self) -> list[NodeSeen]:
        """All living processes, this one included, the longest-lived first. Raises what PostgreSQL raises."""
        rows = await self._pool.fetch(Q.alive, DEAD_MS, NODES_MAX)
        return [msgspec.convert(dict(row), NodeSeen) for row in rows]

    async def _run(self) -> None:
        away = False
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._beat()
            except AWAY as error:
                if not away:
                    log.warning("node_not_heard", error=repr(error))
                away = True
                continue
            away = False
            for callback in self._on_beat:
                await self._call(callback)

    async def _call(self, callback: OnBeat) -> None:
        try:
            await callback()
        except AWAY as error:
            log.warning("after_beat_failed", error=repr(error))
        except Exception:
            # A callback's mistake: others must go on seeing that we live.
            log.exception("after_beat_broken")

    async def _beat(self) -> None:
        numbers = self._numbers()
        if len(msgspec.json.encode(numbers)) > NUMBERS_BYTES_MAX:
            numbers = {}
            if not self._too_long_said:
                self._too_long_said = True
                log.error("node_numbers_too_long", bytes_max=NUMBERS_BYTES_MAX)
        card = self.card
        await self._pool.execute(
            Q.beat,
            card.id,
            card.kind,
            card.release,
            card.python,
            card.origin,
            card.log_version,
            list(card.kinds),
            self.draining,
            numbers,
        )
        if self._beats % COUNT_BEATS == 0:
            rows = await self._pool.fetch(Q.count_alive, DEAD_MS)
            self.seen = {row["kind"]: row["processes"] for row in rows}
        self._beats += 1
