"""What nodes and recorder processes are both made of: connections to the storage, and parts that start and close in order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from liveserver.config import Settings
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines
from liveserver.infra.shards import Shards

CLOSE_MAX_S = 5.0
"""Longest wait for database connections that are in use when we stop."""


@asynccontextmanager
async def storage(settings: Settings, engines: Engines) -> AsyncGenerator[tuple[Pool, Shards]]:
    """The pool and the Redis servers, closed at the end. Raises Mendable when either is away."""
    pool = await open_pool(
        engines.database_url,
        connections_max=settings.database_pool_max,
        statement_max_ms=settings.statement_timeout_ms,
    )
    shards: Shards | None = None
    async with closing(pool, CLOSE_MAX_S):
        try:
            shards = await Shards.connect(engines.redis_url)
            yield pool, shards
        finally:
            if shards is not None:
                await shards.aclose()


@asynccontextmanager
async def closing(pool: Pool, within_s: float) -> AsyncGenerator[None]:
    """A pool that is closed after the block, with force when that takes long."""
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(within_s):
                await pool.close()
        except TimeoutError:
            pool.terminate()


@asynccontextmanager
async def started(
    start: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]]
) -> AsyncGenerator[None]:
    """A part that runs while the block does."""
    # Closed also when the start failed half-way: each part's close copes with that.
    try:
        await start()
        yield
    finally:
        await close()
