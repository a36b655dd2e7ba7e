"""Runs jobs: those that are due, a few at a time, again with growing pauses when they fail, and not for ever.

A job may run more than once: it is taken off the queue after it has run, and a process can end in between. So `Work.run` is
written to be repeated. Several workers, in several processes, share one queue. It adds none (`queue`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from pgqueuer import RetryRequested
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.models import Job
from pgqueuer.queries import Queries

from liveserver.infra.database import AWAY, Pool
from liveserver.kernel.tasks import end

AT_ONCE = 8
"""Jobs that one worker runs at a time: most of them wait for somebody else's answer."""
BATCH = 4
"""Jobs taken at once; the library wants room for two batches."""
RETRY_MIN_MS = 1_000
RETRY_MAX_MS = 3_600_000
"""Pauses between tries double from one to the other: ten tries take a good quarter of an hour, sixteen half a day."""
TAKEN_OVER_MS = 30_000
"""A job whose worker has not been heard for so long is run by another."""
BACK_MS = 1_000
"""Pause before the queue is tried again after PostgreSQL was away."""
STOP_MAX_S = 5.0
"""What running jobs get to end when the process stops; then they are cut off, and run again later."""

log = logging.getLogger(__name__)


class Work(msgspec.Struct, frozen=True):
    """One kind of job, and what is done for it."""

    kind: str
    payload: type[msgspec.Struct]
    run: Callable[[Any], Awaitable[None]]
    """May be repeated: a process can end between its last step and the queue's knowing of it."""
    tries_max: int = 10
    """Then the job is dead: kept with its error, for an operator to try again or drop."""


class Every(msgspec.Struct, frozen=True):
    """Something done regularly, by one of all processes."""

    kind: str
    cron: str
    """Minute, hour, day of month, month, day of week; UTC."""
    run: Callable[[], Awaitable[None]]


class Later(Exception):
    """Not yet: the job is to be tried again after so many ms. It counts as a try."""

    def __init__(self, after_ms: int, why: str) -> None:
        super().__init__(why)
        self.after_ms = after_ms


class Worker:
    """Runs jobs while started. It takes connections of the pool: one to listen, and one for each job at its moments."""

    def __init__(self, pool: Pool, works: Sequence[Work], periodic: Sequence[Every] = ()) -> None:
        kinds = [work.kind for work in works]
        assert len(kinds) == len(set(kinds)), "a kind of job is done in one way"
        self._pool = pool
        self._works = tuple(works)
        self._periodic = tuple(periodic)
        self._managers: tuple[QueueManager, SchedulerManager] | None = None
        self._running: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Begins to run what is due."""
        self._running = asyncio.create_task(self._run_for_ever(), name="jobs")

    async def aclose(self) -> None:
        """Takes no more, lets what runs end for `STOP_MAX_S`, and leaves the rest to others."""
        self._closing = True
        running, self._running = self._running, None
        if running is None:
            return
        for manager in self._managers or ():
            manager.shutdown.set()
        done, _ = await asyncio.wait([running], timeout=STOP_MAX_S)
        if not done:
            log.warning("jobs_cut_off")
        await end(running)

    async def drain(self) -> int:
        """Runs all that is due until nothing is left; how many runs that took. For tests and commands, beside no other worker."""
        runs = 0

        def counted(work: Work) -> Work:
            async def run(payload: Any) -> None:
                nonlocal runs
                runs += 1
                await work.run(payload)

            return msgspec.structs.replace(work, run=run)

        manager = self._queue_manager([counted(work) for work in self._works])
        running = asyncio.create_task(self._manage(manager))
        try:
            while not running.done() and await self._pool.fetchval(_DUE):  # noqa: ASYNC110 - the table is what tells
                await asyncio.sleep(0.01)
        finally:
            manager.shutdown.set()
            await running
        return runs

    async def _run_for_ever(self) -> None:
        while not self._closing:
            queue, scheduler = self._managers = (
                self._queue_manager(self._works),
                self._scheduler(),
            )
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._manage(queue))
                    if self._periodic:
                        group.create_task(scheduler.run())
            except* AWAY as away:
                log.warning("jobs_interrupted", extra={"error": repr(away.exceptions[0])})
            with suppress(TimeoutError):
                if not self._closing:
                    await asyncio.wait_for(queue.shutdown.wait(), BACK_MS / 1000)

    async def _manage(self, manager: QueueManager) -> None:
        await manager.run(
            dequeue_timeout=timedelta(seconds=30),
            batch_size=BATCH,
            max_concurrent_tasks=AT_ONCE,
            heartbeat_timeout=timedelta(milliseconds=TAKEN_OVER_MS),
            shutdown_on_listener_failure=True,
        )

    def _queue_manager(self, works: Sequence[Work]) -> QueueManager:
        manager = QueueManager(Queries.from_asyncpg_pool(self._pool))
        for work in works:
            manager.register_executor(work.kind, _executor(work))
        return manager

    def _scheduler(self) -> SchedulerManager:
        scheduler = SchedulerManager(Queries.from_asyncpg_pool(self._pool))
        for regular in self._periodic:
            scheduler.schedule(regular.kind, regular.cron, clean_old=True)(_scheduled(regular))
        return scheduler


_DUE = """SELECT EXISTS (SELECT FROM pgqueuer WHERE status = 'picked' OR (status = 'queued' AND execute_after <= now()))"""


def _executor(work: Work) -> DatabaseRetryEntrypointExecutor:
    async def run(job: Job) -> None:
        try:
            await work.run(msgspec.json.decode(job.payload or b"{}", type=work.payload))
        except Later as later:
            if job.attempts + 1 >= work.tries_max:
                raise
            raise RetryRequested(timedelta(milliseconds=later.after_ms), str(later)) from later

    return DatabaseRetryEntrypointExecutor(
        EntrypointExecutorParameters(concurrency_limit=0, func=run, on_failure="hold"),
        max_attempts=work.tries_max - 1,  # the library counts those after the first
        initial_delay=timedelta(milliseconds=RETRY_MIN_MS),
        max_delay=timedelta(milliseconds=RETRY_MAX_MS),
    )


def _scheduled(regular: Every) -> Callable[[Any], Awaitable[None]]:
    async def run(_schedule: Any) -> None:
        try:
            await regular.run()
        except Exception:
            # The next time comes by itself.
            log.exception("periodic_job_failed", extra={"kind": regular.kind})

    return run
