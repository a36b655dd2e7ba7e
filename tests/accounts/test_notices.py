"""The connection that hears of other processes' sign-outs ends when it is told to, whatever happens to the database then."""

import asyncio

import pytest

from liveserver.accounts.notices import Notices
from liveserver.infra.database import Pool


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 10])
async def test_it_closes_while_the_database_goes_away(pool: Pool, turns: int):
    notices = Notices(pool)
    await notices.start()
    killer = await pool.acquire()
    killing = asyncio.create_task(
        killer.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    )
    for _ in range(turns):
        await asyncio.sleep(0)  # a few steps apart: the loss is noticed before, at and after the cancellation
    async with asyncio.timeout(5):
        await notices.aclose()
    await killing
    await pool.release(killer)
