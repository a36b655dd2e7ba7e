"""Carries a recorder process's numbers, of shows and of jobs, to the nodes beside it, through Redis: it has no port on which to be asked.

Only for people who watch: nothing is decided by these numbers.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from redis.exceptions import RedisError

from liveserver.infra.shards import Shards
from liveserver.jobs.model import Counts
from liveserver.kernel.tasks import end
from liveserver.rooms.recorder import Numbers

log = structlog.get_logger(__name__)

ROUND_S = 1.0
"""How often numbers are told and read."""
FRESH_MS = 5_000
"""After so much silence they are no longer shown."""


class Told(msgspec.Struct, frozen=True):
    """What is told."""

    recording: Numbers
    jobs: Counts


def _key(name: str) -> str:
    return f"ls:recorder:{name}"


class Telling:
    """The recorder's side: tells its numbers, under the name its parent gave it."""

    def __init__(self, shards: Shards, name: str, numbers: Callable[[], Told]) -> None:
        self._shards = shards
        self._name = name
        self._numbers = numbers
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tell numbers")

    async def aclose(self) -> None:
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                key = _key(self._name)
                await self._shards.of(key).general.set(key, msgspec.json.encode(self._numbers()), px=FRESH_MS)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("numbers_not_told", error=repr(error))
            await asyncio.sleep(ROUND_S)


class Heard:
    """A node's side: `told` is the last that was told, None while nobody tells anything."""

    def __init__(self, shards: Shards, name: str) -> None:
        self.told: Told | None = None
        self._shards = shards
        self._name = name
        self._task: asyncio.Task[None] | None = None

    @property
    def numbers(self) -> Numbers | None:
        """Of recording."""
        return None if self.told is None else self.told.recording

    @property
    def jobs(self) -> Counts | None:
        """Of jobs."""
        return None if self.told is None else self.told.jobs

    async def start(self) -> None:
        if self._name:
            self._task = asyncio.create_task(self._run(), name="hear numbers")

    async def aclose(self) -> None:
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                key = _key(self._name)
                told = await self._shards.of(key).general.get(key)
                self.told = None if told is None else msgspec.json.decode(told, type=Told)
            except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                self.told = None
                log.debug("numbers_not_heard", error=repr(error))
            await asyncio.sleep(ROUND_S)
