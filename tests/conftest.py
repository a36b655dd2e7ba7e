"""Fixtures every test may use: the real PostgreSQL and Valkey, a fresh migrated database, an empty Valkey.

Each pytest process (so each xdist worker) starts its own engines once, in about a second, and no test sees another's data.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvloop
from redis.asyncio import Redis
from xdist.scheduler import LoadScopeScheduling

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines, embedded
from liveserver.infra.engines.cluster import ClusterEngines, embedded_cluster
from liveserver.infra.migrations import migrate
from liveserver.infra.redis import general
from tests.support import clusters, folders
from tests.support.limits import pytest_timeout_set_timer  # noqa: F401 - a hook

TEMPLATE = "template_of_tests"
_numbers = itertools.count()


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:
    """Tests run on the loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


MANY_PROCESSES = (
    "tests/browser/",
    "tests/faults/",
    "tests/cli/",
    "tests/acceptance/",
    "tests/costs/",
    "tests/api_contract/",
    "tests/backup/",
    "tests/infra/",
    "tests/deploy/",
)
"""Their tests start whole servers, browsers or valgrind: two of them at a time are more than two cores have time for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those come first, so that the order says where the long ones are (see `ModulesTogether`)."""
    items.sort(key=lambda item: not item.nodeid.startswith(MANY_PROCESSES))


class ModulesTogether(LoadScopeScheduling):
    """Modules whose tests share a browser and a server run in one process each, all other tests wherever there is room.

    By path, because xdist 3.8 writes its groups where pytest 9.2 does not look for them: `xdist_group` has no effect. The first
    process takes tests from the beginning, the others from the end: beside one that starts servers small ones run.
    """

    FOLDERS = ("tests/browser/", "tests/pages/")

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module.startswith(self.FOLDERS) else nodeid

    def _assign_work_unit(self, node: Any) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What `--dist loadgroup` means here; xdist's own schedulers for everything else."""
    return ModulesTogether(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture
def new_data_dir() -> Iterator[Callable[[], Path]]:
    """Makes data directories for engines of the test's own; they are removed with it."""
    with folders.data_dirs() as new:
        yield new


@pytest.fixture(scope="session")
def lasting_data_dir() -> Iterator[Callable[[], Path]]:
    """The same for engines that several tests share."""
    folders.sweep()
    with folders.data_dirs() as new:
        yield new


@pytest.fixture(scope="session")
def _runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def engines(_runner: asyncio.Runner, lasting_data_dir: Callable[[], Path]) -> Iterator[Engines]:
    """PostgreSQL and Valkey for the whole session. Don't kill these: see `own_engines`."""
    stack = AsyncExitStack()

    async def start() -> Engines:
        return await stack.enter_async_context(embedded(lasting_data_dir()))

    # The loop runs only while starting and stopping, so these engines are not supervised in between.
    yield _runner.run(start())
    _runner.run(stack.aclose())


@pytest.fixture(scope="session")
def cluster(_runner: asyncio.Runner, lasting_data_dir: Callable[[], Path]) -> Iterator[ClusterEngines]:
    """A Valkey cluster of three shards without replicas, for the whole session. Don't kill or reshape it."""
    yield from _session_cluster(_runner, lasting_data_dir(), shards=3, replicas=0)


@pytest.fixture(scope="session")
def _replicated(_runner: asyncio.Runner, lasting_data_dir: Callable[[], Path]) -> Iterator[ClusterEngines]:
    yield from _session_cluster(_runner, lasting_data_dir(), shards=3, replicas=1)


def _session_cluster(
    runner: asyncio.Runner, data_dir: Path, *, shards: int, replicas: int
) -> Iterator[ClusterEngines]:
    stack = AsyncExitStack()

    async def start() -> ClusterEngines:
        return await stack.enter_async_context(embedded_cluster(data_dir, shards=shards, replicas=replicas))

    yield runner.run(start())
    runner.run(stack.aclose())


@pytest.fixture
async def replicated(_replicated: ClusterEngines) -> ClusterEngines:
    """Three shards with a replica each, whole and empty at the start of the test, which may stop its members, promote replicas and
    move slots (tests/support/clusters.py), but not kill: nobody brings them back."""
    await clusters.healed(_replicated)
    await clusters.emptied(_replicated)
    return _replicated


@pytest.fixture
async def own_cluster(new_data_dir: Callable[[], Path]) -> AsyncIterator[ClusterEngines]:
    """Three shards with a replica each, the test's own, supervised, which it may kill."""
    async with embedded_cluster(new_data_dir(), shards=3, replicas=1) as engines:
        await clusters.healed(engines)
        yield engines


@pytest.fixture
async def own_engines(new_data_dir: Callable[[], Path]) -> AsyncIterator[Engines]:
    """Engines of the test's own, supervised, which it may kill."""
    async with embedded(new_data_dir()) as engines:
        yield engines


@pytest.fixture(scope="session")
def _migrated_template(_runner: asyncio.Runner, engines: Engines) -> None:
    async def make() -> None:
        admin = await asyncpg.connect(engines.database_url)
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await admin.close()
        await migrate(database_named(engines, TEMPLATE))

    _runner.run(make())


def database_named(engines: Engines, name: str) -> str:
    return engines.database_url.replace("@/liveserver?", f"@/{name}?")


@pytest.fixture
async def empty_database_url(engines: Engines) -> AsyncIterator[str]:
    """A database without any table, for tests of migrations."""
    async for url in _database(engines, "template0"):
        yield url


@pytest.fixture
async def database_url(engines: Engines, _migrated_template: None) -> AsyncIterator[str]:
    """A fresh database with all migrations applied."""
    async for url in _database(engines, TEMPLATE):
        yield url


async def _database(engines: Engines, template: str) -> AsyncIterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    assert engines.database_admin_url is not None, "the engines of tests are embedded"
    # As superuser: FORCE ends autovacuum's workers too, and those are nobody else's to end.
    admin = await asyncpg.connect(engines.database_admin_url)
    try:
        await admin.execute(f"CREATE DATABASE {name} OWNER liveserver TEMPLATE {template} STRATEGY WAL_LOG")
        yield database_named(engines, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on a fresh migrated database."""
    pool = await open_pool(database_url, application="test")
    yield pool
    pool.terminate()


@pytest.fixture
async def redis_url(engines: Engines) -> str:
    """An empty Valkey without functions, with the rights the server itself has."""
    assert engines.redis_admin_url is not None, "the engines of tests are embedded"
    admin = Redis.from_url(engines.redis_admin_url)
    await admin.flushall()
    await admin.function_flush()
    await admin.aclose()
    return engines.redis_url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A general client on an empty Valkey; replies are bytes."""
    client = general(redis_url)
    yield client
    await client.aclose()
