"""Where pgqueuer is made known to the rest: its tables by their names in our migration, what it logs of what we log ourselves, and the
two things that it does otherwise here.

Nothing here runs at import but naming. `queue` adds jobs, `worker` runs them, `look` tells how they are; nobody else knows the library.
"""

import asyncio
import logging
from collections.abc import Callable

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries

from liveserver.infra.database import Connection, Pool

CHANNEL = Channel("ch_pgqueuer")
# Named one by one: what is not named the library takes from variables of the environment as common as FUNCTION and CHANNEL.
NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=False,
)
_ENVIRONMENT = QueryBuilderEnvironment(NAMES)
_QUEUE = QueryQueueBuilder(NAMES)
_SCHEDULES = QuerySchedulerBuilder(NAMES)
_SAID_BY_US = ("Exception while processing entrypoint/job-id", "Retry requested for entrypoint/job-id")


def _not_said_by_us(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_SAID_BY_US)


logging.getLogger("pgqueuer").addFilter(_not_said_by_us)


class PoolDriver(AsyncpgPoolDriver):
    """The library's driver, which tells nothing before it listens, and notices when it can't listen any more.

    A manager begins to probe its own listener while that is still being set up, on another connection. Under load the probe could be
    told first: nobody heard it, and ten seconds later a listener without fault was given up, with the whole worker
    (`FailingListenerError`). A listener that was really lost, on the other hand, was missed only when the queue was looked at next.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.when_lost: Callable[[], None] = lambda: None
        self._listens = asyncio.Event()
        self._lost = False

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        assert self._listener_connection is not None, "it was just made"
        self._listener_connection.add_termination_listener(self._gone)
        self._listens.set()

    async def notify(self, channel: str, payload: str) -> None:
        await self._listens.wait()
        await super().notify(channel, payload)

    async def __aexit__(self, *how: object) -> None:
        """Raises ConnectionResetError when the listener was lost: the pool has it back already."""
        if self._lost:
            self._listener_connection = None
            raise ConnectionResetError("the connection that hears of new jobs was lost")
        if self._listener_connection is not None:
            self._listener_connection.remove_termination_listener(self._gone)
        await super().__aexit__(*how)

    def _gone(self, _connection: object) -> None:
        self._lost = True
        self.when_lost()


class Manager(QueueManager):
    """The library's manager, which asks one question about its tables when it starts, and not fourteen."""

    async def verify_structure(self) -> None:
        """Raises RuntimeError when migrations have not run. That they make what this release of the library wants is tested."""
        if not await self.queries.has_table(NAMES.queue_table):
            raise RuntimeError("there are no tables for jobs: migrations have not run")


def queries_on(connection: Connection) -> Queries:
    """The library's statements on one connection, and so in its transaction."""
    driver = AsyncpgDriver(connection)  # pyright: ignore[reportArgumentType]  # a pool's connection has the same methods
    return Queries(driver, _ENVIRONMENT, _QUEUE, _SCHEDULES)


def manager_of(pool: Pool) -> QueueManager:
    """Who runs jobs, once. `run` raises when it can't hear of new ones any more."""
    driver = PoolDriver(pool)
    manager = Manager(Queries(driver, _ENVIRONMENT, _QUEUE, _SCHEDULES), CHANNEL)
    driver.when_lost = manager.shutdown.set
    return manager


def scheduler_of(pool: Pool) -> SchedulerManager:
    """Who runs what is done regularly."""
    return SchedulerManager(Queries(AsyncpgPoolDriver(pool), _ENVIRONMENT, _QUEUE, _SCHEDULES))
