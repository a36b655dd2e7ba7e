"""A process that stops, or is killed, while jobs run: they are run again, by whoever is there, and are never lost."""

import asyncio
import logging
import sys

import msgspec
import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.jobs import worker as workers
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Work, Worker


class About(msgspec.Struct, frozen=True):
    name: str


async def adds(pool: Pool, name: str) -> None:
    async with transaction(pool) as on:
        await enqueue(on, "test.do", About(name))


async def test_a_job_that_outlasts_the_stop_is_put_back_and_done_by_the_next_worker(pool: Pool):
    begun = asyncio.Event()

    async def hangs(_about: About) -> None:
        begun.set()
        await asyncio.Event().wait()

    worker = Worker(pool, [Work("test.do", About, hangs)], stop_max_s=0.05)
    await worker.start()
    await adds(pool, "a")
    async with asyncio.timeout(10):
        await begun.wait()
        await worker.aclose()
    assert [row["status"] for row in await pool.fetch("SELECT status::text FROM pgqueuer")] == ["queued"]

    done: list[str] = []

    async def does(about: About) -> None:
        done.append(about.name)

    await Worker(pool, [Work("test.do", About, does)]).drain()
    assert done == ["a"]


async def test_what_runs_when_the_stop_begins_may_end(pool: Pool):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_about: About) -> None:
        begun.set()
        await may_end.wait()

    worker = Worker(pool, [Work("test.do", About, slow)])
    await worker.start()
    await adds(pool, "a")
    async with asyncio.timeout(10):
        await begun.wait()
        closing = asyncio.create_task(worker.aclose())
        may_end.set()
        await closing
    assert worker.counts.done == 1
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 0


KILLED = """
import asyncio, sys
import msgspec
from liveserver.infra.database import open_pool
from liveserver.jobs.worker import Work, Worker

class About(msgspec.Struct, frozen=True):
    name: str

async def run(about):
    print("running", about.name, flush=True)
    await asyncio.Event().wait()

async def main():
    pool = await open_pool(sys.argv[1])
    await Worker(pool, [Work("test.do", About, run)]).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_process_s_job_is_taken_over(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    await adds(pool, "a")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"running a\n"
    finally:
        process.kill()
        await process.communicate()

    done = asyncio.Queue[str]()

    async def does(about: About) -> None:
        done.put_nowait(about.name)

    monkeypatch.setattr(workers, "TAKEN_OVER_MS", 500)
    monkeypatch.setattr(workers, "LOOK_MS", 200)
    worker = Worker(pool, [Work("test.do", About, does)])
    await worker.start()
    try:
        async with asyncio.timeout(20):
            assert await done.get() == "a"
    finally:
        await worker.aclose()
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_worker_that_finds_no_tables_tries_again_and_does_not_spin(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workers, "BACK_MS", 50)
    await pool.execute("ALTER TABLE pgqueuer RENAME TO elsewhere")
    done = asyncio.Event()

    async def does(_about: About) -> None:
        done.set()

    broken = asyncio.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.msg == "jobs_broken":
                broken.set()

    log = logging.getLogger(workers.__name__)
    log.addHandler(heard := Heard())
    worker = Worker(pool, [Work("test.do", About, does)])
    await worker.start()
    try:
        async with asyncio.timeout(20):
            await broken.wait()
        log.removeHandler(heard)
        await pool.execute("ALTER TABLE elsewhere RENAME TO pgqueuer")
        await adds(pool, "a")
        async with asyncio.timeout(20):
            await done.wait()
    finally:
        await worker.aclose()
