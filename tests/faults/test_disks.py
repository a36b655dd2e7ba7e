"""Row 14: disks that fill up or become slow, under Valkey and under PostgreSQL. What is acknowledged stays; the rest is refused."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chaos.shims import disk
from liveserver.infra.engines import Engines, embedded, launcher
from tests.faults.drills import holds

needs_compiler = pytest.mark.skipif(bool(disk.missing()), reason=disk.missing())
NewDir = Callable[[], Path]
FILL_BYTES = 64 * 1024
WAIT_S = 20
SLOW_MS = 200


async def test_row_14_valkey_s_disk_is_full() -> None:
    await holds("valkey-disk-full")


async def test_row_14_postgresql_s_disk_is_full() -> None:
    await holds("postgres-disk-full")


async def test_row_14_postgresql_ends_because_its_log_has_no_space() -> None:
    await holds("postgres-log-full")


async def test_row_14_valkey_s_disk_is_slow() -> None:
    outcome = await holds("valkey-disk-slow")
    assert outcome.interruption_ms > SLOW_MS, "every bid waits for the disk"


async def test_row_14_postgresql_s_disk_is_slow() -> None:
    await holds("postgres-disk-slow")


def tried(faulty: disk.FaultyDisk, folder: Path, code: str) -> str:
    """What a process on that disk, working in that folder, prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"import os, time\n{code}"],
        cwd=folder,
        env=faulty.environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return (done.stdout or done.stderr).strip()


GROWING = {
    "write": "f = os.open('old', os.O_WRONLY | os.O_APPEND); print([os.write(f, b'1234'), os.write(f, b'12')])",
    "writev": "f = os.open('old', os.O_WRONLY | os.O_APPEND); print([os.writev(f, [b'12', b'34']), os.writev(f, [b'5'])])",
    "pwrite": "f = os.open('old', os.O_WRONLY); print([os.pwrite(f, b'1234', 8), os.pwrite(f, b'12', 10)])",
    "pwritev": "f = os.open('old', os.O_WRONLY); print([os.pwritev(f, [b'12', b'34'], 8), os.pwritev(f, [b'5'], 10)])",
    "posix_fallocate": "os.posix_fallocate(os.open('old', os.O_WRONLY), 0, 100)",
    "ftruncate": "os.ftruncate(os.open('old', os.O_WRONLY), 100)",
    "open": "os.open('new', os.O_WRONLY | os.O_CREAT, 0o600)",
}
"""Each would grow the folder: the first write is cut short, the second fails."""


@needs_compiler
@pytest.mark.parametrize("call", GROWING)
def test_on_a_full_disk_nothing_grows_and_one_that_has_space_again_is_as_before(call: str, tmp_path: Path):
    faulty = disk.FaultyDisk.new()
    (tmp_path / "old").write_bytes(b"01234567")
    faulty.full()
    assert "No space left on device" in tried(faulty, tmp_path, GROWING[call])
    assert len((tmp_path / "old").read_bytes()) <= 8 + 2, "at most half of the first write got through"
    assert not (tmp_path / "new").exists()
    faulty.ok()
    assert "Error" not in tried(faulty, tmp_path, GROWING[call])


@needs_compiler
def test_a_full_disk_can_be_read_shortened_and_written_over_and_is_no_other_disk(tmp_path: Path):
    faulty = disk.FaultyDisk.new()
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    for folder in (place, elsewhere):
        folder.mkdir()
        (folder / "old").write_bytes(b"01234567")
    faulty.full()
    code = "f = os.open('old', os.O_RDWR); os.pwrite(f, b'ab', 2); os.ftruncate(f, 6); print(os.read(f, 9))"
    assert tried(faulty, place, code) == "b'01ab45'"
    code = "f = os.open('../elsewhere/old', os.O_RDWR); os.pwrite(f, b'12345678', 8); print(os.read(f, 99))"
    assert tried(faulty, place, code) == "b'0123456712345678'"


@needs_compiler
def test_a_slow_disk_takes_its_time_with_fsync_only(tmp_path: Path):
    faulty = disk.FaultyDisk.new()
    code = (
        "f = os.open('new', os.O_RDWR | os.O_CREAT); t = time.monotonic(); os.write(f, b'1'); "
        "w = time.monotonic(); os.fsync(f); os.fdatasync(f); print(w - t, time.monotonic() - w)"
    )
    faulty.slow(SLOW_MS)
    writing_s, syncing_s = map(float, tried(faulty, tmp_path, code).split())
    assert syncing_s >= 2 * SLOW_MS / 1000 > writing_s


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
