"""An asynchronous standby of a PostgreSQL of ours: copied, following, kept from following, promoted.

What is committed while it does not follow is lost when it is promoted: that is the fault it is there for. It sets up nothing
for real use; docs/operating says what a deployment needs.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from chaos.world import World
from liveserver.infra.engines import postgres
from liveserver.infra.engines.binaries import postgres_install
from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.folders import Folders, prepared
from liveserver.infra.engines.launcher import Engine, exit_of, spawn

COPY_MAX_S = 60
FOLLOW_MAX_S = 20
LOOK_S = 0.02


class Standby:
    """A running standby. It has the primary's users and passwords."""

    def __init__(self, folders: Folders, port: int | None, primary_admin_url: str) -> None:
        self.socket = folders.run / f".s.PGSQL.{port or postgres.PORT}"
        self.url = postgres.url(folders, port=port)
        self.admin_url = postgres.url(folders, postgres.SUPERUSER, "postgres", port=port)
        self._primary_admin_url = primary_admin_url
        self._stopped: list[int] = []

    async def caught_up(self) -> None:
        """Returns once it has everything that the primary had when this was called."""
        at = await _asked(self._primary_admin_url, "SELECT pg_current_wal_lsn()::text")
        async with asyncio.timeout(FOLLOW_MAX_S):
            behind = f"SELECT pg_last_wal_replay_lsn() < '{at}'::pg_lsn"
            while await _asked(self.admin_url, behind):  # noqa: ASYNC110 - another process follows
                await asyncio.sleep(LOOK_S)

    async def fall_behind(self) -> None:
        """From now on it gets nothing more: the process that sends to it is paused."""
        pid = int(await _asked(self._primary_admin_url, "SELECT pid FROM pg_stat_replication"))
        os.kill(pid, signal.SIGSTOP)
        self._stopped.append(pid)

    async def promote(self) -> None:
        """Makes it a primary. The former one should be dead by then."""
        for pid in self._stopped:  # one that is paused does not notice that its primary died
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._stopped.clear()
        assert await _asked(self.admin_url, f"SELECT pg_promote(true, {FOLLOW_MAX_S})"), "it was promoted"


@asynccontextmanager
async def standby_of(
    primary_admin_url: str,
    primary_secrets: Path,
    data_dir: Path,
    *,
    port: int | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[Standby]:
    """A copy of the primary that follows it, stopped at the end of the block. `port` also listens on 127.0.0.1.

    Raises EngineError when it cannot be copied or started.
    """
    with prepared(data_dir, free_min_bytes=0) as folders:
        _share(primary_secrets, folders.secrets)
        await _copied(folders, primary_admin_url)
        recipe = await postgres.recipe(folders, on_progress, tcp_port=port)
        engine = Engine(replace(recipe, name="Standby", ready=_follows(folders, port)), on_progress)
        await engine.start()
        try:
            yield Standby(folders, port, primary_admin_url)
        finally:
            await engine.stop()


def _share(theirs: Path, ours: Path) -> None:
    for secret in theirs.iterdir():
        (ours / secret.name).touch(mode=0o600)
        (ours / secret.name).write_text(secret.read_text())


async def _copied(folders: Folders, primary_admin_url: str) -> None:
    home = folders.data / "postgres"
    process = spawn(
        [
            str(postgres_install(folders) / "bin" / "pg_basebackup"),
            *("--dbname", primary_admin_url, "--pgdata", str(home)),
            *("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"),
        ],
        folder=folders.own(home),
        identity=folders.identity,
        output=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(COPY_MAX_S):
            code = await exit_of(process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code:
        raise EngineError(
            "The standby could not be copied", str(home), "See the primary's log in its data directory."
        )


def _follows(folders: Folders, port: int | None) -> Callable[[int], Awaitable[bool]]:
    url = postgres.url(folders, postgres.SUPERUSER, "postgres", port=port)

    async def ready(_pid: int) -> bool:
        try:
            return bool(await _asked(url, "SELECT true"))
        except asyncpg.PostgresError:
            return False  # it is still starting

    return ready


async def _asked(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


class StandbyWorld(World):
    """As `World`, with a standby of its PostgreSQL that nobody waits for."""

    def __init__(self, nodes: int = 2, **more: Any) -> None:
        super().__init__(nodes, **more)
        self._standby: Standby | None = None

    @property
    def standby(self) -> Standby:
        assert self._standby is not None, "the world was entered"
        return self._standby

    async def fail_over(self) -> None:
        """PostgreSQL dies for good, and everybody is led to the standby, as by an address that moves."""
        await self.engines.postgres.kill()
        await self.standby.promote()
        for node in self.nodes:
            node.database.target = self.standby.socket
            node.database.cut()
        self.engines.database_url = self.standby.url
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _set_up(self) -> None:
        await super()._set_up()
        folders = self.engines.folders
        self._standby = await self._stack.enter_async_context(
            standby_of(
                postgres.url(folders, postgres.SUPERUSER, "postgres"),
                folders.secrets,
                self.folder / "standby",
                on_progress=self._say,
            )
        )
