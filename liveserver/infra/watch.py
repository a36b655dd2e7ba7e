"""Asks the engines each second how they are, from this process's point of view, and looks at the process itself.

For people and alarms only: nothing in the server is decided by what it finds. Each part meets an engine's absence by itself.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog
from redis.exceptions import RedisError

from liveserver.infra import database
from liveserver.infra.database import Pool
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import Clock
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)

ROUND_S = 1.0
"""How often engines are asked."""
ANSWER_MAX_S = 2.0
"""An engine that does not answer within this counts as away: bidders do not wait longer either."""
AWAY = (*database.AWAY, RedisError)
POSTGRESQL = "postgresql"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")

Ask = Callable[[], Awaitable[int]]
"""Asks an engine for its time in ms; raises one of `AWAY`."""
Engines = Callable[[], Mapping[str, Ask]]
"""The engines there are now, by name: a cluster's shards change."""


class EngineSeen(msgspec.Struct, kw_only=True):
    """An engine as this process finds it."""

    name: str
    """`postgresql`, `redis`, or `redis host:port` for a cluster's shards."""
    up: bool = True
    away_s: float = 0.0
    """Time that it did not answer, since this process started."""
    answer_ms: float = 0.0
    """How long the last answer took."""
    ahead_ms: int = 0
    """How far its clock is ahead of this machine's; exact to half of `answer_ms`."""


class ProcessSeen(msgspec.Struct, kw_only=True):
    """This process: what it takes, and whether its loop is on time."""

    cpu_percent: int = 0
    """Of one core, in the last round."""
    memory_bytes: int = 0
    """Resident; 0 where the system does not tell."""
    late_ms: int = 0
    """How much later than asked the last round began: whoever's turn came then waited as long."""
    late_ms_max: int = 0


class Watch:
    """One per process. Before `start`, and without engines, everything counts as well."""

    def __init__(self, engines: Engines, clock: Clock) -> None:
        self.engines: dict[str, EngineSeen] = {}
        self.process = ProcessSeen()
        self._ask_whom = engines
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._round_at_s = self._cpu_s = 0.0

    async def start(self) -> None:
        """Returns after the first round."""
        self._round_at_s, self._cpu_s = time.monotonic(), time.process_time()
        await self.look(0.0)
        self._task = asyncio.create_task(self._run(), name="watch engines")

    async def aclose(self) -> None:
        """Stops asking."""
        await end(self._task)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + ROUND_S
            await asyncio.sleep(ROUND_S)
            self.process.late_ms = max(0, round((loop.time() - due_s) * 1000))
            self.process.late_ms_max = max(self.process.late_ms_max, self.process.late_ms)
            now_s = time.monotonic()
            since_s, self._round_at_s = now_s - self._round_at_s, now_s
            self._measure(since_s)
            await self.look(since_s)

    def _measure(self, since_s: float) -> None:
        cpu_s = time.process_time()
        self.process.cpu_percent = round(100 * (cpu_s - self._cpu_s) / since_s) if since_s else 0
        self._cpu_s = cpu_s
        self.process.memory_bytes = _memory_bytes()

    async def look(self, since_s: float) -> None:
        """Asks every engine once. Those that do not answer have been away for `since_s` more."""
        asks = self._ask_whom()
        for gone in self.engines.keys() - asks.keys():
            del self.engines[gone]
        await asyncio.gather(*(self._look_at(name, ask, since_s) for name, ask in asks.items()))

    async def _look_at(self, name: str, ask: Ask, since_s: float) -> None:
        seen = self.engines.setdefault(name, EngineSeen(name=name))
        sent_ms, sent_s = self._clock.now_ms(), time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                theirs_ms = await ask()
        except AWAY as error:
            if seen.up:
                log.warning("engine_does_not_answer", engine=name, error=repr(error))
            seen.up = False
            seen.away_s += since_s
            return
        took_ms = (time.perf_counter() - sent_s) * 1000
        if not seen.up:
            log.info("engine_answers_again", engine=name, away_s=round(seen.away_s, 1))
        seen.up, seen.answer_ms = True, took_ms
        seen.ahead_ms = round(theirs_ms - sent_ms - took_ms / 2)


def engines_of(pool: Pool, shards: Shards) -> Engines:
    """How a process reaches its PostgreSQL and its Redis, or each shard of it."""

    async def postgresql() -> int:
        return int(await pool.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"))

    def redis(client: Any) -> Ask:
        async def ask() -> int:
            seconds, micros = cast("tuple[int, int]", await client.time())
            return seconds * 1000 + micros // 1000

        return ask

    def now() -> Mapping[str, Ask]:
        return {
            POSTGRESQL: postgresql,
            **{f"redis {shard.address}".strip(): redis(shard.general) for shard in shards.all()},
        }

    return now


def _memory_bytes() -> int:
    try:
        # proc(5), /proc/pid/statm: size, resident, …, in pages.
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
