"""Row 14: disks that fill up or become slow, under Valkey and under PostgreSQL. What is acknowledged stays; the rest is refused."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from liveserver.infra.engines import Engines, embedded, launcher

NewDir = Callable[[], Path]
FILL_BYTES = 64 * 1024
WAIT_S = 20


@pytest.fixture
def small_disk(new_data_dir: NewDir) -> Iterator[Path]:
    """A real disk of 120 MB, for who may mount one."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    place = new_data_dir().parent
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m,mode=711", "none", place]).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path) -> Path:
    """Takes all that is left, as somebody else's file would."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(FILL_BYTES))
        except OSError:
            return ballast


async def until_written(engines: Engines, name: str, value: str) -> None:
    """Tries as often as it is refused."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                if name == "Valkey":
                    redis = Redis.from_url(engines.redis_url)
                    async with redis:
                        await redis.set("bid", value)
                else:
                    connection = await asyncpg.connect(engines.database_url)
                    try:
                        await connection.execute("CREATE TABLE IF NOT EXISTS bids (bid text)")
                        await connection.execute("INSERT INTO bids VALUES ($1)", value)
                    finally:
                        await connection.close()
                return
            except (RedisError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", ["PostgreSQL", "Valkey"])
async def test_row_14_an_engine_on_a_really_full_disk_is_not_given_up_and_goes_on_once_there_is_space(
    name: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(launcher, "FULL_PAUSE_MS", 10)
    told: asyncio.Queue[str] = asyncio.Queue()
    other = {"Valkey": {"database_url": "postgresql://none/"}, "PostgreSQL": {"redis_url": "redis://none/"}}
    async with embedded(
        small_disk / "data", free_min_bytes=0, on_progress=told.put_nowait, **other[name]
    ) as engines:
        await until_written(engines, name, "before")
        ballast = fill(small_disk)
        os.kill(engines.pids[name], 9)  # PostgreSQL would live on for long, and could not come back then
        writing = asyncio.create_task(until_written(engines, name, "x" * 200_000))
        said: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while sum("its disk is full" in line for line in said) <= launcher.RESTARTS_MAX:
                said.append(await told.get())
        assert not writing.done()
        ballast.unlink()
        await writing
        assert not engines.running[0].failed.done()
