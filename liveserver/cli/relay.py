"""Carries a recorder process's numbers to the nodes beside it, through Redis: it has no port on which to be asked.

Only for people who watch: nothing is decided by these numbers.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog
from redis.exceptions import RedisError

from liveserver.infra.shards import Shards
from liveserver.kernel.tasks import end
from liveserver.rooms.recorder import Numbers

log = structlog.get_logger(__name__)

ROUND_S = 1.0
"""How often numbers are told and read."""
FRESH_MS = 5_000
"""After so much silence they are no longer shown."""


def _key(name: str) -> str:
    return f"ls:recorder:{name}"


class Telling:
    """The recorder's side: tells its numbers, under the name its parent gave it."""

    def __init__(self, shards: Shards, name: str, numbers: Callable[[], Numbers]) -> None:
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
    """A node's side: `numbers` are the last ones told, None while nobody tells any."""

    def __init__(self, shards: Shards, name: str) -> None:
        self.numbers: Numbers | None = None
        self._shards = shards
        self._name = name
        self._task: asyncio.Task[None] | None = None

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
                self.numbers = None if told is None else msgspec.json.decode(told, type=Numbers)
            except (RedisError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                self.numbers = None
                log.debug("numbers_not_heard", error=repr(error))
            await asyncio.sleep(ROUND_S)
