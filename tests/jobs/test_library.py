"""What the job library is told to do otherwise: probes are heard, a lost listener is missed at once, and its tables are as it wants
them.
"""

import asyncio
import logging

import msgspec
import pytest
from pgqueuer.core.qm import QueueManager

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.library import CHANNEL, PoolDriver, manager_of
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Work, Worker


class About(msgspec.Struct, frozen=True):
    name: str


async def test_our_migrations_make_the_tables_as_this_release_of_the_library_wants_them(pool: Pool):
    await QueueManager.verify_structure(manager_of(pool))


async def test_a_probe_that_is_sent_before_anybody_listens_is_heard(pool: Pool):
    driver, heard = PoolDriver(pool), asyncio.Queue[object]()
    async with driver, asyncio.timeout(10):
        probing = asyncio.create_task(driver.notify(CHANNEL, "probe"))
        # As far as it comes by itself: the other connection is there, and answers.
        async with pool.acquire() as other:
            await other.execute("SELECT 1")
        await driver.add_listener(CHANNEL, heard.put_nowait)
        assert await heard.get() == "probe"
        await probing


async def test_when_the_listener_is_lost_new_jobs_are_heard_of_again_within_seconds(
    pool: Pool, caplog: pytest.LogCaptureFixture
):
    done = asyncio.Queue[str]()

    async def run(about: About) -> None:
        done.put_nowait(about.name)

    caplog.set_level(logging.WARNING)
    worker = Worker(pool, [Work("test.do", About, run)])
    await worker.start()
    try:
        async with asyncio.timeout(10):  # the queue is looked at every thirty seconds, too
            for name in ("before", "after", "later"):
                async with transaction(pool) as on:
                    await enqueue(on, "test.do", About(name))
                assert await done.get() == name
                if name == "before":
                    assert await pool.fetchval(_END_LISTENERS) == 1
    finally:
        await worker.aclose()
    told = [record for record in caplog.records if record.message == "jobs_interrupted"]
    assert len(told) == 1
    assert "hears of new jobs" in told[0].error  # type: ignore[attr-defined]  # its extra
    assert pool.get_size() - pool.get_idle_size() == 0, "every connection is back"


_END_LISTENERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND query = 'LISTEN "ch_pgqueuer"' AND state = 'idle'
"""
