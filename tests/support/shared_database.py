"""One database for all tests of a folder, emptied before each of them: that costs a few milliseconds, a new database most of a second.

A folder takes it by overriding `database_url` in its conftest (see tests/payouts/conftest.py). It is not for tests that leave somebody
running, who could still write when the next one has begun.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from liveserver.infra.engines import Engines

_TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
)
_SEQUENCES_BACK = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences WHERE last_value IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class SharedDatabase:
    """Where it is, and what empties it."""

    url: str
    admin_url: str
    name: str
    emptying: str

    async def emptied(self) -> str:
        """Its address, with nothing in it but what migrations put there."""
        admin = await asyncpg.connect(self.admin_url, database=self.name)
        try:
            await admin.execute(self.emptying)
        finally:
            await admin.close()
        return self.url


@pytest.fixture(scope="session")
def shared_database(
    engines: Engines, _migrated_template: None, _runner: asyncio.Runner
) -> Iterator[SharedDatabase]:
    """For the `database_url` of a folder."""
    assert engines.database_admin_url is not None, "the engines of tests are embedded"
    name, admin_url = f"shared_{os.getpid()}", engines.database_admin_url
    url = engines.database_url.replace("@/liveserver?", f"@/{name}?")
    yield SharedDatabase(url, admin_url, name, _runner.run(_made(admin_url, name)))
    _runner.run(_dropped(admin_url, name))


async def _made(admin_url: str, name: str) -> str:
    """Makes it; gives the statements that empty it again."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute(
        f"CREATE DATABASE {name} OWNER liveserver TEMPLATE template_of_tests STRATEGY WAL_LOG"
    )
    await admin.close()
    there = await asyncpg.connect(admin_url, database=name)
    tables = [row[0] for row in await there.fetch(_TABLES)]
    # What migrations have put somewhere stays; no test may add to those.
    empty = [table for table in tables if not await there.fetchval(f"SELECT EXISTS (SELECT FROM {table})")]
    await there.close()
    # As a replica: what is append-only may not be deleted by anybody else.
    deletes = "".join(f"DELETE FROM {table};" for table in empty)
    return f"SET session_replication_role = replica; {deletes} {_SEQUENCES_BACK}"


async def _dropped(admin_url: str, name: str) -> None:
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
