"""Bids on PostgreSQL: lock the lot's row with `SELECT ... FOR UPDATE`, decide, write price and bid, commit; one transaction a bid.

The row lock is what gives the order, so however many connections there are, one lot has one bid under way; commits wait for
fsync inside that lock. Chosen: asyncpg with its prepared statements and a pool of its default size, ten; sizes from 1 to 20, tried
side by side, differed by less than one run differs from the next. Not done: deciding in one SQL statement or a stored
procedure, which is possible and seldom written; batches of bids, which are liveserver's idea.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.peers.servers.asgi import serve
from benchmarks.peers.servers.bids import Decide, application

CONNECTIONS = 10
LOT = 1
TABLES = """
    DROP SCHEMA IF EXISTS peer CASCADE;
    CREATE SCHEMA peer;
    CREATE TABLE peer.lots (id int PRIMARY KEY, price bigint NOT NULL, leader text, bids bigint NOT NULL);
    CREATE TABLE peer.bids (
        lot int NOT NULL, number bigint NOT NULL, bidder text NOT NULL, amount bigint NOT NULL, accepted bool NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (lot, number)
    );
    INSERT INTO peer.lots (id, price, bids) VALUES (1, 0, 0);
"""


@asynccontextmanager
async def house() -> AsyncGenerator[Decide]:
    """A fresh lot in a schema of its own."""
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS
    ) as pool:
        await pool.execute(TABLES)

        async def decide(bidder: str, amount: int) -> tuple[bool, int]:
            async with pool.acquire() as connection, connection.transaction():
                lot = await connection.fetchrow(
                    "SELECT price, bids FROM peer.lots WHERE id = $1 FOR UPDATE", LOT
                )
                assert lot is not None, "the lot was made when the server started"
                number, accepted = lot["bids"] + 1, amount > lot["price"]
                if accepted:
                    await connection.execute(
                        "UPDATE peer.lots SET price = $2, leader = $3, bids = $4 WHERE id = $1",
                        *(LOT, amount, bidder, number),
                    )
                else:
                    await connection.execute("UPDATE peer.lots SET bids = $2 WHERE id = $1", LOT, number)
                await connection.execute(
                    "INSERT INTO peer.bids (lot, number, bidder, amount, accepted) VALUES ($1, $2, $3, $4, $5)",
                    *(LOT, number, bidder, amount, accepted),
                )
                return accepted, amount if accepted else lot["price"]

        yield decide


if __name__ == "__main__":
    serve(application(house))
