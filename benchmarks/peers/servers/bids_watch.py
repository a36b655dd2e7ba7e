"""Bids on Redis with optimistic locking: WATCH the lot, read it, decide, and write in MULTI/EXEC; again if somebody was faster.

Written as redis-py's documentation writes a check-and-set. `appendfsync always` (the harness's setting) puts each EXEC on disk
before its reply. Whoever loses the race tries again, so on one hot lot connections cost more than they bring: of 1, 2, 4, 10
and 20 tried side by side, one was fastest, and twenty took less than half as many bids. So it has one, in its favour: the process's
bidders queue for it, and WATCH is left with what it must guard against, other processes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.exceptions import WatchError

from benchmarks.peers.servers.asgi import serve
from benchmarks.peers.servers.bids import Decide, application
from benchmarks.peers.servers.redis_pool import BIDS, LOT, fresh_lot

CONNECTIONS = 1
TRIES_MAX = 1_000
"""Far more than are ever needed against a few other processes; then the bid is answered as refused, at the price last seen."""


@asynccontextmanager
async def house() -> AsyncGenerator[Decide]:
    """A fresh lot."""
    async with fresh_lot(CONNECTIONS) as client:

        async def decide(bidder: str, amount: int) -> tuple[bool, int]:
            price = 0
            async with client.pipeline(transaction=True) as pipe:
                for _ in range(TRIES_MAX):
                    try:
                        await pipe.watch(LOT)
                        price, bids = map(int, await pipe.hmget(LOT, "price", "bids"))
                        accepted = amount > price
                        changes: dict[str, str | int] = {"bids": bids + 1}
                        if accepted:
                            changes |= {"price": amount, "leader": bidder}
                        bid = {
                            "number": bids + 1,
                            "bidder": bidder,
                            "amount": amount,
                            "accepted": int(accepted),
                        }
                        pipe.multi()
                        pipe.hset(LOT, mapping=changes)
                        pipe.xadd(BIDS, bid)
                        await pipe.execute()
                    except WatchError:
                        continue
                    return accepted, amount if accepted else price
            return False, price

        yield decide


if __name__ == "__main__":
    serve(application(house))
