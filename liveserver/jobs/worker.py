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

from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.errors import FailingListenerError

from liveserver.infra.database import AWAY, Pool
from liveserver.jobs.library import manager_of, scheduler_of
from liveserver.jobs.model import Counts, Every, Hopeless, Later, Work
from liveserver.jobs.tries import Try, parameters
from liveserver.kernel.tasks import end

__all__ = ["Every", "Hopeless", "Later", "Work", "Worker"]

AT_ONCE = 8
"""Jobs that one worker runs at a time, unless the setting says otherwise: most of them wait for somebody else's answer."""
TAKEN_OVER_MS = 30_000
"""A job whose worker has not been heard for so long is run by another."""
LOOK_MS = 30_000
"""How often the queue is looked at though nothing was heard of it."""
BACK_MS = 1_000
"""Pause before the queue is tried again after PostgreSQL was away."""
STOP_MAX_S = 5.0
"""What running jobs get to end when the process stops; then they are cut off, and run again later."""
CUT_MAX_S = 0.5
"""What it may take to put them back; one that is not is run by another after `TAKEN_OVER_MS`."""

log = logging.getLogger(__name__)


class Worker:
    """Runs jobs while started. It takes connections of the pool: one to listen, and one for each job at its moments."""

    def __init__(
        self,
        pool: Pool,
        works: Sequence[Work],
        periodic: Sequence[Every] = (),
        *,
        at_once: int = AT_ONCE,
        stop_max_s: float = STOP_MAX_S,
    ) -> None:
        kinds = [work.kind for work in works]
        assert len(kinds) == len(set(kinds)), "a kind of job is done in one way"
        assert at_once >= 2, "the library takes jobs in batches of half as many as may run"
        self.counts = Counts()
        self._pool = pool
        self._works = tuple(works)
        self._periodic = tuple(periodic)
        self._at_once = at_once
        self._stop_max_s = stop_max_s
        self._managers: tuple[QueueManager, SchedulerManager] | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def start(self) -> None:
        """Begins to run what is due."""
        self._running = asyncio.create_task(self._run_for_ever(), name="jobs")

    async def aclose(self) -> None:
        """Takes no more, lets what runs end for `stop_max_s`, and puts the rest back for others."""
        self._closing.set()
        running, self._running = self._running, None
        if running is None:
            return
        for manager in self._managers or ():
            manager.shutdown.set()
        done, _ = await asyncio.wait([running], timeout=self._stop_max_s)
        if not done:
            log.warning("jobs_cut_off", extra={"jobs": len(self._jobs)})
            for job in tuple(self._jobs):
                job.cancel()
            await asyncio.wait([running], timeout=CUT_MAX_S)
        await end(running)

    async def drain(self, *, ahead_ms: int = 0) -> int:
        """Runs all that is due until nothing is left, and what would be due in `ahead_ms` as well; how many runs that took.

        For tests and commands. Periodic ones are not among them.
        """
        runs = 0

        def counted(work: Work) -> Work:
            async def run(payload: Any) -> None:
                nonlocal runs
                runs += 1
                await work.run(payload)

            return Work(work.kind, work.payload, run, work.tries_max)

        kinds = [work.kind for work in self._works]
        if ahead_ms:
            await self._pool.execute(_SOONER, kinds, timedelta(milliseconds=ahead_ms))
        if not await self._pool.fetchval(_DUE, kinds):
            return 0
        manager = self._queue_manager([counted(work) for work in self._works])
        running = asyncio.create_task(self._manage(manager))
        try:
            while not running.done() and await self._pool.fetchval(_DUE, kinds):  # noqa: ASYNC110 - the table is what tells
                await asyncio.sleep(0.01)
        finally:
            manager.shutdown.set()
            await running
        return runs

    async def _run_for_ever(self) -> None:
        while not self._closing.is_set():
            queue, scheduler = self._managers = (
                self._queue_manager(self._works),
                self._scheduler(),
            )
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._manage(queue))
                    if self._periodic:
                        group.create_task(scheduler.run())
            except* (*AWAY, FailingListenerError) as away:
                log.warning("jobs_interrupted", extra={"error": repr(away.exceptions[0])})
            except* Exception as broken:
                log.error("jobs_broken", exc_info=broken)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), BACK_MS / 1000)

    async def _manage(self, manager: QueueManager) -> None:
        await manager.run(
            dequeue_timeout=timedelta(milliseconds=LOOK_MS),
            batch_size=self._at_once // 2,
            max_concurrent_tasks=self._at_once,
            heartbeat_timeout=timedelta(milliseconds=TAKEN_OVER_MS),
            shutdown_on_listener_failure=True,
            log_aggregation_interval=timedelta(0),  # nobody reads its statistics: `look` tells more
        )

    def _queue_manager(self, works: Sequence[Work]) -> QueueManager:
        manager = manager_of(self._pool)
        for work in works:
            manager.register_executor(work.kind, Try(parameters(), work, self.counts, self._jobs))
        return manager

    def _scheduler(self) -> SchedulerManager:
        scheduler = scheduler_of(self._pool)
        for regular in self._periodic:
            # What was due while nobody ran is done at the start, once: its row is not cleaned away.
            scheduler.schedule(regular.kind, regular.cron)(_scheduled(regular))
        return scheduler


_DUE = """
SELECT EXISTS (
    SELECT FROM pgqueuer WHERE entrypoint = ANY ($1::text[]) AND (status = 'picked' OR (status = 'queued' AND execute_after <= now()))
)
"""
_SOONER = "UPDATE pgqueuer SET execute_after = execute_after - $2::interval WHERE entrypoint = ANY ($1::text[]) AND status = 'queued'"


def _scheduled(regular: Every) -> Callable[[Any], Awaitable[None]]:
    async def run(_schedule: Any) -> None:
        try:
            await regular.run()
        except Exception:
            # The next time comes by itself.
            log.exception("periodic_job_failed", extra={"kind": regular.kind})

    return run
