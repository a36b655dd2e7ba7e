"""Nodes on the real engines: each has its own connections, as another process would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import Clock, SystemClock
from liveserver.kernel.pages import Page
from liveserver.rooms.hub import Hub
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.log import ShowLog
from liveserver.rooms.model import Event, Feature
from liveserver.rooms.recorder import Projector
from tests.support.tally import Tally

WAIT_S = 20


class AnyShow:
    """Every show exists: what is tested here is their logs."""

    async def get(self, show: str) -> str | None:
        return None if show == "nowhere" else show

    async def list(self, *args: object, **kwargs: object) -> Page[Any]:
        return Page([], None)


class Heard:
    """A listener that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.positions: list[tuple[int, int]] = []
        self.events: list[tuple[int, Event]] = []
        self.resets: list[tuple[int, int]] = []
        self._changed = asyncio.Event()

    def on_applied(self, first: int, last: int, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        self.positions.append((first, last))
        self.events.extend(events)
        self._changed.set()

    def on_halted(self) -> None:
        raise AssertionError("no room of these tests stays halted")

    def on_reset(self, epoch: int, seq: int) -> None:
        self.resets.append((epoch, seq))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


NewNode = Callable[..., Awaitable[Hub]]


@pytest.fixture
async def new_node(database_url: str, redis_url: str) -> AsyncIterator[NewNode]:
    """Makes nodes that share the database and the log."""
    async with AsyncExitStack() as stack:

        async def make(
            *,
            features: Sequence[Feature] | None = None,
            projectors: Sequence[Projector] = (),
            redis_url: str = redis_url,
            database_url: str = database_url,
            clock: Clock | None = None,
            **options: Any,
        ) -> Hub:
            pool: Pool = await open_pool(database_url, application="node")
            stack.callback(pool.terminate)
            redis, appends = general(redis_url), append_connection(redis_url)
            stack.push_async_callback(redis.aclose)
            stack.push_async_callback(appends.aclose)
            hub = Hub(
                pool,
                Shards.around(redis, [appends]),
                AnyShow(),  # pyright: ignore[reportArgumentType] - only `get` and `list` of it are used
                features or (Lifecycle(), Tally()),
                projectors,
                clock or SystemClock(),
                **options,
            )
            await hub.start()
            stack.push_async_callback(hub.aclose)
            return hub

        yield make


@pytest.fixture
async def show_log(redis_url: str) -> AsyncIterator[ShowLog]:
    """A log that is open and empty, at epoch 1."""
    redis, appends = general(redis_url), append_connection(redis_url)
    log = ShowLog("show_1", Shards.around(redis, [appends]))
    assert await log.open(1, 0, 0, "", await log.head())
    yield log
    await redis.aclose()
    await appends.aclose()
