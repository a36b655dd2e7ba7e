"""Where pgqueuer is made known to the rest: its tables by their names in our migration, and what it logs of what we log ourselves.

Nothing here runs at import but naming. `queue` adds jobs, `worker` runs them, `look` tells how they are; nobody else knows the library.
"""

import logging

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
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


def queries_on(connection: Connection) -> Queries:
    """The library's statements on one connection, and so in its transaction."""
    driver = AsyncpgDriver(connection)  # pyright: ignore[reportArgumentType]  # a pool's connection has the same methods
    return Queries(driver, _ENVIRONMENT, _QUEUE, _SCHEDULES)


def queries_of(pool: Pool) -> Queries:
    """The library's statements, each on a connection of its own."""
    return Queries(AsyncpgPoolDriver(pool), _ENVIRONMENT, _QUEUE, _SCHEDULES)
