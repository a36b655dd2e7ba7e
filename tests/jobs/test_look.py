"""What an operator sees of the queue, and does about dead jobs."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.jobs import look
from liveserver.jobs.look import DeadJob, dead_jobs, drop, forget, retry, standing, whole_standing
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Every, Hopeless, Work, Worker
from liveserver.kernel.errors import Rejected


class About(msgspec.Struct, frozen=True):
    name: str


async def adds(pool: Pool, name: str, *, after_ms: int = 0, once: str = "") -> None:
    async with transaction(pool) as on:
        await enqueue(on, "test.do", About(name), after_ms=after_ms, once=once)


def doing(run: Callable[[About], Awaitable[None]]) -> list[Work]:
    return [Work("test.do", About, run)]


async def hopeless(_about: About) -> None:
    raise Hopeless("the address does not exist")


async def fine(_about: About) -> None:
    return None


async def died(pool: Pool, name: str = "a", *, once: str = "") -> DeadJob:
    await adds(pool, name, once=once)
    await Worker(pool, doing(hopeless)).drain()
    page = await dead_jobs(pool)
    assert not isinstance(page, Rejected)
    return page.items[0]


async def test_what_can_never_work_is_dead_at_once_and_says_why(pool: Pool):
    job = await died(pool)
    assert (job.kind, job.tries, job.payload) == ("test.do", 1, '{"name":"a"}')
    assert job.error == "Hopeless: the address does not exist"
    assert "raise Hopeless" in job.traceback
    assert (await standing(pool)).dead == 1


async def test_a_dead_job_is_tried_again_from_the_beginning(pool: Pool):
    job = await died(pool)
    assert await retry(pool, job.id) == "test.do"
    (row,) = await pool.fetch("SELECT status::text, attempts FROM pgqueuer")
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert await Worker(pool, doing(fine)).drain() == 1
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_worker_that_waits_hears_of_a_job_tried_again(pool: Pool):
    job = await died(pool)
    done = asyncio.Event()

    async def does(_about: About) -> None:
        done.set()

    worker = Worker(pool, doing(does))
    await worker.start()
    try:
        async with asyncio.timeout(10):
            await retry(pool, job.id)
            await done.wait()
    finally:
        await worker.aclose()


async def test_a_dropped_one_is_gone_and_both_are_refused_twice(pool: Pool):
    job = await died(pool)
    assert await drop(pool, job.id) == "test.do"
    for again in (await drop(pool, job.id), await retry(pool, job.id)):
        assert isinstance(again, Rejected)
        assert again.code == "job_not_found"


async def test_only_dead_jobs_can_be_dropped(pool: Pool):
    await adds(pool, "a")
    waiting = await pool.fetchval("SELECT id FROM pgqueuer")
    assert isinstance(await drop(pool, waiting), Rejected)
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer") == 1


async def test_one_whose_key_waits_again_is_not_tried_beside_it(pool: Pool):
    job = await died(pool, once="k")
    await adds(pool, "b", once="k")
    refused = await retry(pool, job.id)
    assert isinstance(refused, Rejected)
    assert refused.code == "job_waits"


async def test_the_standing_tells_due_planned_and_since_when(pool: Pool):
    await adds(pool, "a")
    await adds(pool, "b", after_ms=3_600_000)
    await pool.execute(
        "UPDATE pgqueuer SET execute_after = now() - interval '5 minutes' WHERE execute_after <= now()"
    )
    (kind,) = (await whole_standing(pool)).kinds
    assert (kind.due, kind.planned, kind.running, kind.dead) == (1, 1, 0, 0)
    assert 299_000 < (await standing(pool)).oldest_due_ms < 330_000
    now_ts = await pool.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
    assert kind.next_ts is not None
    assert 0 < kind.next_ts - now_ts <= 3_600_000


async def test_dead_jobs_are_read_page_by_page(pool: Pool):
    for name in "abc":
        await adds(pool, name)
    await Worker(pool, doing(hopeless)).drain()
    first = await dead_jobs(pool, limit=2)
    assert not isinstance(first, Rejected)
    second = await dead_jobs(pool, first.next, limit=2)
    assert not isinstance(second, Rejected)
    assert [len(first.items), len(second.items), second.next] == [2, 1, None]
    assert len({job.id for job in (*first.items, *second.items)}) == 3
    assert isinstance(await dead_jobs(pool, "nonsense"), Rejected)


async def test_old_notes_are_forgotten_but_not_what_dead_jobs_said(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(look, "FORGET_AT_ONCE_MAX", 2)
    job = await died(pool)
    for name in "abc":
        await adds(pool, name)
    await Worker(pool, doing(fine)).drain()
    await pool.execute("UPDATE pgqueuer_log SET created = created - interval '15 days'")
    await adds(pool, "new")
    assert await forget(pool) >= 9
    page = await dead_jobs(pool)
    assert not isinstance(page, Rejected)
    assert [one.error for one in page.items] == [job.error]
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log WHERE status = 'queued'") == 2


async def test_regular_jobs_run_in_one_of_all_processes(pool: Pool):
    ran: list[str] = []
    first = asyncio.Event()

    def every(name: str) -> list[Every]:
        async def run() -> None:
            ran.append(name)
            first.set()

        return [Every("test.regular", "0 0 1 1 *", run)]

    workers = [Worker(pool, doing(fine), every(name)) for name in "ab"]
    # Due since a moment ago, as after a night in which nobody ran.
    await pool.execute(
        "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) VALUES ('0 0 1 1 *', 'test.regular', now() - interval '1 day')"
    )
    for worker in workers:
        await worker.start()
    try:
        async with asyncio.timeout(10):
            await first.wait()
        due = await pool.fetchval("SELECT next_run > now() - interval '2 seconds' FROM pgqueuer_schedules")
        assert due, "and the next time is planned"
    finally:
        for worker in workers:
            await worker.aclose()
    assert len(ran) == 1
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_schedules") == 1


async def test_names_of_tables_do_not_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("FUNCTION", "CHANNEL", "QUEUE_TABLE", "PGQUEUER_PREFIX", "PGQUEUER_SCHEMA"):
        monkeypatch.setenv(name, "x")
    import importlib

    from liveserver.jobs import library

    try:
        assert importlib.reload(library).NAMES.qualified.queue_table == "pgqueuer"
        assert library.NAMES.channel == "ch_pgqueuer"
    finally:
        monkeypatch.undo()
        importlib.reload(library)
