"""Bids on Redis with a Lua script that decides: one EVALSHA a bid, the strongest of the usual ways.

The script runs alone, so its order is the order of bids; with `appendfsync always` (the harness's setting) its writes are on
disk before the reply, and bids that wait in different connections share an fsync. Chosen: redis-py's `register_script` and a
pool of fifty connections, redis-py's own default for its blocking pool. Not done: collecting bids into one call,
which is liveserver's idea.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.peers.servers.asgi import serve
from benchmarks.peers.servers.bids import Decide, application
from benchmarks.peers.servers.redis_pool import BIDS, LOT, fresh_lot

CONNECTIONS = 50
DECIDE = """
    local lot = redis.call('HMGET', KEYS[1], 'price', 'bids')
    local price, number = tonumber(lot[1]), tonumber(lot[2]) + 1
    local bidder, amount = ARGV[1], tonumber(ARGV[2])
    local accepted = 0
    if amount > price then
        accepted, price = 1, amount
        redis.call('HSET', KEYS[1], 'price', ARGV[2], 'leader', bidder, 'bids', number)
    else
        redis.call('HSET', KEYS[1], 'bids', number)
    end
    redis.call('XADD', KEYS[2], '*', 'number', number, 'bidder', bidder, 'amount', ARGV[2], 'accepted', accepted)
    return {accepted, price}
"""


@asynccontextmanager
async def house() -> AsyncGenerator[Decide]:
    """A fresh lot."""
    async with fresh_lot(CONNECTIONS) as client:
        # Now rather than with the first bid: whoever may not run scripts learns it from a server that does not start.
        await client.script_load(DECIDE)
        script = client.register_script(DECIDE)

        async def decide(bidder: str, amount: int) -> tuple[bool, int]:
            accepted, price = await script(keys=[LOT, BIDS], args=[bidder, amount])
            return bool(accepted), price

        yield decide


if __name__ == "__main__":
    serve(application(house))
