"""Jobs on the real PostgreSQL: done once their transaction is committed, again when they fail, not for ever, not twice at once."""

import asyncio

import msgspec
import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Later, Work, Worker


class About(msgspec.Struct, frozen=True):
    name: str


class Doer:
    """Does what it is told, and remembers."""

    def __init__(self, *, fails: int = 0, later: bool = False) -> None:
        self.done: list[str] = []
        self.fails = fails
        self.later = later

    async def run(self, about: About) -> None:
        self.done.append(about.name)
        if len(self.done) <= self.fails:
            raise Later(60_000, "not yet") if self.later else RuntimeError("it went wrong")


async def adds(pool: Pool, name: str = "a", *, after_ms: int = 0, once: str = "") -> None:
    async with transaction(pool) as on:
        await enqueue(on, "test.do", About(name), after_ms=after_ms, once=once)


async def waiting(pool: Pool) -> list[str]:
    """States of the jobs that are there."""
    return [row["status"] for row in await pool.fetch("SELECT status::text FROM pgqueuer ORDER BY id")]


async def test_what_is_due_is_done_once(pool: Pool):
    doer = Doer()
    worker = Worker(pool, [Work("test.do", About, doer.run)])
    for name in "abc":
        await adds(pool, name)
    await adds(pool, "later", after_ms=3_600_000)
    assert await worker.drain() == 3
    assert sorted(doer.done) == ["a", "b", "c"]
    assert await waiting(pool) == ["queued"]


async def test_what_was_not_committed_is_not_done(pool: Pool):
    async def undone() -> None:
        async with transaction(pool) as on:
            await enqueue(on, "test.do", About("a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    assert await waiting(pool) == []


async def test_while_one_of_a_key_waits_no_other_is_added_and_the_transaction_lives(pool: Pool):
    async with transaction(pool) as on:
        for name in "ab":
            await enqueue(on, "test.do", About(name), once="k")
        await enqueue(on, "test.other", About("c"), once="k")
    assert len(await waiting(pool)) == 2
    doer = Doer()
    await Worker(pool, [Work("test.do", About, doer.run), Work("test.other", About, doer.run)]).drain()
    await adds(pool, "again", once="k")
    assert await waiting(pool) == ["queued"]


@pytest.mark.parametrize("later", [False, True])
async def test_a_job_that_keeps_failing_is_kept_dead_with_its_error(pool: Pool, later: bool):
    doer = Doer(fails=100, later=later)
    worker = Worker(pool, [Work("test.do", About, doer.run, tries_max=3)])
    await adds(pool)
    for _ in range(6):
        await worker.drain()
        await pool.execute("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'")
    assert len(doer.done) == 3
    assert await waiting(pool) == ["failed"]
    told = str(await pool.fetchval("SELECT traceback FROM pgqueuer_log WHERE status = 'failed'"))
    assert ("not yet" if later else "it went wrong") in told


async def test_a_started_worker_hears_of_new_jobs_at_once_and_outlives_its_connections(pool: Pool):
    done = asyncio.Queue[str]()

    async def run(about: About) -> None:
        done.put_nowait(about.name)

    worker = Worker(pool, [Work("test.do", About, run)])
    await worker.start()
    try:
        await adds(pool, "first")
        async with asyncio.timeout(10):
            assert await done.get() == "first"
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await pool.expire_connections()  # the idle ones may not have noticed yet
        await adds(pool, "second")
        async with asyncio.timeout(30):
            assert await done.get() == "second"
    finally:
        await worker.aclose()


async def test_several_workers_share_the_queue(pool: Pool):
    doer = Doer()
    for number in range(40):
        await adds(pool, str(number))
    workers = [Worker(pool, [Work("test.do", About, doer.run)]) for _ in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    assert len(doer.done) == 40
    assert len(set(doer.done)) == 40
