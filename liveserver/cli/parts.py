"""What nodes and recorder processes are both made of: connections to the storage, and parts that start and close in order."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from liveserver.config import Settings
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines
from liveserver.infra.redis import append_connection, general

APPEND_LANES = 4
"""Connections that append, each one batch at a time; a show keeps to one of them. One core of Python fills two."""
CLOSE_MAX_S = 5.0
"""Longest wait for database connections that are in use when we stop."""


@asynccontextmanager
async def storage(
    settings: Settings, engines: Engines
) -> AsyncGenerator[tuple[Pool, Redis, tuple[Redis, ...]]]:
    """The pool, the general client and the appending ones, closed at the end. Raises Mendable when the database is away."""
    pool = await open_pool(
        engines.database_url,
        connections_max=settings.database_pool_max,
        statement_max_ms=settings.statement_timeout_ms,
    )
    redis = general(engines.redis_url)
    appends = tuple(append_connection(engines.redis_url) for _ in range(APPEND_LANES))
    try:
        yield pool, redis, appends
    finally:
        for client in (*appends, redis):
            await client.aclose()
        try:
            async with asyncio.timeout(CLOSE_MAX_S):
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
