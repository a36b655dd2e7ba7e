"""The connection pool of the bid servers on Redis, and where they keep their lot."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis

LOT = "peer:{lot-1}"
"""Hash: price, leader, bids (how many were numbered)."""
BIDS = "peer:{lot-1}:bids"
"""Stream: every bid with its number and verdict."""


@asynccontextmanager
async def fresh_lot(connections_max: int) -> AsyncGenerator[Redis]:
    """A client whose commands wait for one of so many connections, and a lot without bids. Replies are strings.

    Without hiredis: replies here are a few bytes, and liveserver, in the same environment, runs without it too.
    """
    pool = BlockingConnectionPool.from_url(
        os.environ["REDIS_URL"], max_connections=connections_max, timeout=None, decode_responses=True
    )
    async with Redis.from_pool(pool) as client:
        await client.delete(LOT, BIDS)
        await client.hset(LOT, mapping={"price": 0, "leader": "", "bids": 0})
        yield client
