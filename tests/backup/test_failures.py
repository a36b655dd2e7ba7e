"""What goes wrong around a backup: killed half way, locked out, pointed at nothing. The old state stays, and nothing is half made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from liveserver.backup.archive import DRAFT, opened
from liveserver.backup.make import make
from liveserver.backup.restore import target_problems
from liveserver.infra.database import Connection, Pool, open_pool
from tests.backup.calls import liveserver, started

SECRET = "s" * 40
WAIT_S = 20


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - another process, in real time: nothing tells us
            await asyncio.sleep(0.02)


@pytest.fixture
async def locker(database_url: str) -> AsyncIterator[Connection]:
    """Somebody else at the database of the server."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def waiting(on: Connection | Pool, application: str) -> int:
    """Sessions of this program that wait for a lock of somebody."""
    return await on.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 "
        "AND wait_event_type = 'Lock'",
        application,
    )


async def connected(on: Connection, application: str) -> int:
    return await on.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
        application,
    )


async def test_a_backup_that_is_killed_leaves_no_archive_and_the_next_cleans_up(
    tmp_path: Path, database_url: str, redis_url: str, locker: Connection, pool: Pool
) -> None:
    own = {"LIVESERVER_DATABASE_URL": database_url, "LIVESERVER_REDIS_URL": redis_url}
    async with locker.transaction():
        await locker.execute("LOCK TABLE shows IN ACCESS EXCLUSIVE MODE")
        backup = await started("backup", str(tmp_path / "a.tar"), **own)
        await until(lambda: waiting(pool, "liveserver backup"))
        backup.kill()
        await backup.wait()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(DRAFT)
    assert left.stat().st_mode & 0o777 == 0o600, "nobody else may read even a half of it"

    code, said = await liveserver("backup", str(tmp_path / "a.tar"), "--with-secrets", LIVESERVER_JWT_SECRET=SECRET, **own)  # fmt: skip
    assert (code, f"removed {left.name}" in said) == (0, True), said
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]
    with opened(tmp_path / "a.tar", lambda _: None) as archive:
        assert archive.manifest.settings["LIVESERVER_JWT_SECRET"] == SECRET
        assert archive.manifest.settings["LIVESERVER_DATABASE_URL"] == database_url
        assert archive.manifest.secrets_left_out == ()


async def test_a_restore_that_is_killed_leaves_the_database_empty_and_can_be_done_again(
    tmp_path: Path, pool: Pool, database_url: str, empty_database_url: str
) -> None:
    archive = tmp_path / "a.tar"
    await make(archive, pool, database_url, None, {}, [], None, on_progress=lambda _: None)
    empty = await open_pool(empty_database_url)
    other = await asyncpg.connect(empty_database_url)
    async with empty.acquire() as blocker:
        holding = blocker.transaction()
        await holding.start()
        # Whoever makes a table of this name has to wait for what becomes of this one.
        await blocker.execute("CREATE TABLE throttles (key text PRIMARY KEY)")
        restore = await started("restore", str(archive), "--into-url", empty_database_url)
        await until(lambda: waiting(other, "pg_restore"))
        restore.kill()
        await restore.wait()
        await holding.rollback()
    await until(lambda: _none(other))
    assert await target_problems(empty, empty_database_url, "18.0") == []

    code, said = await liveserver("restore", str(archive), "--into-url", empty_database_url)
    assert (code, "✓ proven" in said) == (0, True), said
    await other.close()
    await empty.close()


async def _none(on: Connection) -> bool:
    return await connected(on, "pg_restore") == 0


async def test_a_wrong_password_is_said_and_not_told(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    before, _, after = database_url.partition("@")
    wrong = before.rpartition(":")[0] + ":hunter2@" + after
    code, said = await liveserver(
        "backup", str(tmp_path / "a.tar"), LIVESERVER_DATABASE_URL=wrong, LIVESERVER_REDIS_URL=redis_url
    )
    assert (code, "password authentication failed" in said, "hunter2" in said) == (1, True, False), said
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_never_saved_nor_moved(tmp_path: Path, database_url: str, redis_url: str) -> None:
    nowhere = tmp_path / "nowhere"
    code, said = await liveserver("backup", str(tmp_path / "a.tar"), "--data-dir", str(nowhere))
    assert (code, "There is no server's data" in said) == (1, True), said
    code, said = await liveserver(
        "engines", "move", "--to-database-url", database_url, "--to-redis-url", redis_url,
        LIVESERVER_DATA_DIR=str(nowhere),
    )  # fmt: skip
    assert (code, "There is no server's data" in said) == (1, True), said
    assert list(tmp_path.iterdir()) == [], "no empty database was made of it"


async def test_a_bad_archive_makes_no_data_directory(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"no archive" * 1_000)
    code, said = await liveserver("restore", str(bad), "--data-dir", str(tmp_path / "new"))
    assert (code, "This archive is no good" in said) == (1, True), said
    assert not (tmp_path / "new").exists()


async def test_logs_of_another_past_are_not_restored_beside(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    await make(tmp_path / "a.tar", pool, database_url, None, {}, [], None, on_progress=lambda _: None)
    (tmp_path / "old" / "valkey").mkdir(parents=True)
    code, said = await liveserver("restore", str(tmp_path / "a.tar"), "--data-dir", str(tmp_path / "old"))
    assert (code, "it has a Valkey's data" in said) == (1, True), said
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["valkey"]
