"""A whole server in the test's process: the real engines, the real port, the composition that `liveserver serve` makes."""

from collections.abc import AsyncIterator

import pytest

from liveserver.accounts.service import Accounts
from liveserver.catalog.service import Catalog
from liveserver.cli.compose import Node, running_node
from liveserver.cli.ports import listen
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.infra.engines import Engines
from liveserver.kernel.clock import SystemClock
from liveserver.payments.cards import Cards
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.shows.service import Shows

QUICK = Settings(port=0, password_memory_kib=8_192, sign_ins_per_address_per_min=0)
"""Passwords of bots need no costly hash in a test, and nobody counts their sign-ins."""


class Records:
    """The services alone, without a server."""

    def __init__(self, pool: Pool) -> None:
        self.clock = SystemClock()
        self.pool = pool
        self.till = Sandbox(pool, self.clock)
        self.cards = Cards(pool, self.till, self.clock)
        self.accounts = Accounts(pool, self.clock, QUICK)
        self.catalog = Catalog(pool, self.clock)
        self.shows = Shows(pool, self.clock)


@pytest.fixture
async def records(pool: Pool) -> AsyncIterator[Records]:
    records = Records(pool)
    await records.accounts.start()
    yield records
    await records.accounts.aclose()


@pytest.fixture
async def node(engines: Engines, database_url: str, redis_url: str) -> AsyncIterator[Node]:
    fresh = Engines(database_url=database_url, redis_url=redis_url)
    with listen(QUICK.host, QUICK.port) as listener:
        async with running_node(QUICK, fresh, listener) as node:
            yield node
