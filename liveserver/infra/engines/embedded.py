"""The engines a server runs on, embedded or external, as one block that starts and stops them.

It does not check what an external server is configured as; `liveserver doctor` does.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveserver.infra.engines import postgres, valkey
from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.folders import FREE_MIN_BYTES, Folders, default_data_dir, prepared
from liveserver.infra.engines.launcher import Engine


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines are. `admin` addresses are there only for embedded ones, for operators and tests."""

    database_url: str = field(repr=False)  # addresses hold passwords
    redis_url: str = field(repr=False)
    database_admin_url: str | None = field(default=None, repr=False)
    redis_admin_url: str | None = field(default=None, repr=False)
    running: tuple[Engine, ...] = field(default=())

    @property
    def pids(self) -> dict[str, int]:
        """The processes started here, by engine ("PostgreSQL", "Valkey")."""
        return {engine.recipe.name: engine.pid for engine in self.running}

    async def failure(self) -> EngineError:
        """Waits until an embedded engine was given up (it died too often, or could not start again), and says why."""
        done, _ = await asyncio.wait(
            [engine.failed for engine in self.running] or [asyncio.get_running_loop().create_future()],
            return_when=asyncio.FIRST_COMPLETED,
        )
        return next(iter(done)).result()


@asynccontextmanager
async def embedded(
    data_dir: Path | None = None,
    database_url: str | None = None,
    redis_url: str | None = None,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    postgres_tcp_port: int | None = None,
    free_min_bytes: int = FREE_MIN_BYTES,
) -> AsyncGenerator[Engines]:
    """Start what has no URL, stop it at the end of the block; must run in the main thread's event loop.

    `data_dir` is `default_data_dir()` when None. `on_progress` gets a sentence for what takes time and for engines
    that were brought back. Raises `EngineError` when something cannot start; then nothing is left running.
    """
    if database_url is not None and redis_url is not None:
        yield Engines(database_url, redis_url)
        return
    async with AsyncExitStack() as stack:
        folders = stack.enter_context(prepared(data_dir or default_data_dir(), free_min_bytes=free_min_bytes))
        running: list[Engine] = []
        starting: list[Coroutine[Any, Any, None]] = []
        if database_url is None:
            starting.append(start_postgres(folders, stack, running, on_progress, tcp_port=postgres_tcp_port))
        if redis_url is None:
            starting.append(_valkey(folders, stack, running, on_progress))
        results = await asyncio.gather(
            *starting, return_exceptions=True
        )  # both end before either's error is raised
        for result in results:
            if isinstance(result, BaseException):
                raise result
        yield Engines(
            database_url or postgres.url(folders, port=postgres_tcp_port),
            redis_url or valkey.url(folders),
            postgres.url(folders, postgres.SUPERUSER, "postgres", port=postgres_tcp_port)
            if database_url is None
            else None,
            valkey.url(folders, valkey.ADMIN_USER) if redis_url is None else None,
            tuple(running),
        )


async def start_postgres(
    folders: Folders,
    stack: AsyncExitStack,
    running: list[Engine],
    on_progress: Callable[[str], None],
    *,
    tcp_port: int | None,
) -> None:
    """Starts PostgreSQL with the server's own database in it; `stack` stops it."""
    engine = Engine(await postgres.recipe(folders, on_progress, tcp_port=tcp_port), on_progress)
    await engine.start()
    stack.push_async_callback(engine.stop)
    running.append(engine)
    await postgres.ensure_database(folders, port=tcp_port)


async def _valkey(
    folders: Folders, stack: AsyncExitStack, running: list[Engine], on_progress: Callable[[str], None]
) -> None:
    engine = Engine(valkey.recipe(folders), on_progress)
    await engine.start()
    stack.push_async_callback(engine.stop)
    running.append(engine)
