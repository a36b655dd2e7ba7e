"""One try of a job: run it, and say what becomes of it when it fails: again after a pause, or dead.

It keeps the library's contract (raise `RetryRequested`, or anything else for the end) and touches no table.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

import msgspec
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job

from liveserver.infra.database import AWAY
from liveserver.jobs.model import Counts, Hopeless, Later, Work

RETRY_MIN_MS = 1_000
RETRY_MAX_MS = 3_600_000
"""Pauses between tries double from one to the other."""
ERROR_CHARACTERS_MAX = 500
"""Of an error, in a log line."""

log = logging.getLogger(__name__)


def pause_ms(failed: int) -> int:
    """The pause after so many failed tries, the one just now included."""
    return min(RETRY_MAX_MS, RETRY_MIN_MS << min(failed - 1, 30))


@dataclass
class Try(AbstractEntrypointExecutor):
    """What the library calls for each job of one kind."""

    parameters: EntrypointExecutorParameters
    work: Work
    counts: Counts
    running: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])
    """The tasks of all jobs that run in this worker; cancelling one puts its job back."""

    async def execute(self, job: Job, context: Context) -> None:
        """Raises RetryRequested when it is to be tried again, and what went wrong when the job is dead."""
        task = asyncio.current_task()
        assert task is not None, "the library runs each job in a task"
        self.running.add(task)
        started_s = time.monotonic()
        try:
            await self.work.run(msgspec.json.decode(job.payload or b"{}", type=self.work.payload))
            self.counts.done += 1
        except asyncio.CancelledError as cut:
            # The library takes a cancelled job off the queue for good; ours are cut off when the process stops.
            raise RetryRequested(timedelta(0), "cut off because the process stopped") from cut
        except Exception as error:  # noqa: BLE001 - whatever it was, the job is repeated or kept dead with it
            self._failed(job, error)
        finally:
            self.counts.busy_s += time.monotonic() - started_s
            self.running.discard(task)

    def _failed(self, job: Job, error: Exception) -> NoReturn:
        """Raises what the library is to know."""
        failed = job.attempts + 1
        about = {
            "kind": self.work.kind,
            "job": job.id,
            "tries": failed,
            "error": repr(error)[:ERROR_CHARACTERS_MAX],
        }
        if isinstance(error, Hopeless) or failed >= self.work.tries_max:
            self.counts.dead += 1
            expected = isinstance(error, Hopeless | Later)
            log.error("job_dead", extra=about, exc_info=None if expected else error)
            raise error
        if isinstance(error, Later):
            raise RetryRequested(timedelta(milliseconds=max(0, error.after_ms)), str(error)) from error
        self.counts.failed += 1
        again_ms = pause_ms(failed)
        # With a traceback only where we did not foresee it: that an engine or another server is away is worth a line.
        foreseen = isinstance(error, AWAY)
        log.warning("job_failed", extra={**about, "again_ms": again_ms}, exc_info=None if foreseen else error)
        raise RetryRequested(timedelta(milliseconds=again_ms), repr(error)) from error


async def _nothing(_job: Job) -> None:
    """The library wants a function for each kind; `Try` does not call it."""


def parameters() -> EntrypointExecutorParameters:
    """As many at once as the worker allows, and dead ones are kept."""
    return EntrypointExecutorParameters(concurrency_limit=0, func=_nothing, on_failure="hold")
