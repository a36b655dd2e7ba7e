"""The one list of jobs, and who runs them: the recorder process, or the nodes themselves where they record inside.

A domain says in `works` what its jobs do; here they are only put together.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from liveserver.cli.parts import started
from liveserver.cli.selling import placing_of
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.jobs.worker import Every, Work, Worker
from liveserver.kernel.clock import Clock
from liveserver.orders import upkeep
from liveserver.sales import recording as sales


def works(settings: Settings, pool: Pool, clock: Clock) -> list[Work]:
    """All kinds of jobs."""
    return [*upkeep.works(pool, clock), *sales.works(pool, clock, placing_of(settings))]


def periodic(settings: Settings, pool: Pool, clock: Clock) -> list[Every]:
    """What is done regularly, by one of all processes."""
    return []


@asynccontextmanager
async def working(settings: Settings, pool: Pool, clock: Clock) -> AsyncGenerator[Worker]:
    """Runs jobs while the block runs."""
    worker = Worker(pool, works(settings, pool, clock), periodic(settings, pool, clock))
    async with started(worker.start, worker.aclose):
        yield worker
