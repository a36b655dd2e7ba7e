"""The life of the embedded engines: start, restart, death of the server, death of an engine, clean stop."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from liveserver.infra import redis as connections
from liveserver.infra.engines import EngineError, Engines, embedded, launcher
from liveserver.infra.engines.identity import engine_identity
from liveserver.infra.engines.processes import remember, still_runs
from tests.infra.servers import gone, runs, start_server

linux_only = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the kernel's parent-death signal is Linux's"
)
as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NewDir = Callable[[], Path]


async def write_both(engines_or_said: tuple[str, str], word: str) -> None:
    database_url, redis_url = engines_or_said
    db = await asyncpg.connect(database_url)
    await db.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
    await db.execute("INSERT INTO kept VALUES ($1)", word)
    await db.close()
    redis = Redis.from_url(redis_url)
    await redis.rpush("kept", word)
    await redis.aclose()


async def read_both(database_url: str, redis_url: str) -> tuple[list[str], list[str]]:
    db = await asyncpg.connect(database_url)
    rows = [row["word"] for row in await db.fetch("SELECT word FROM kept")]
    await db.close()
    redis = Redis.from_url(redis_url, decode_responses=True)
    words = await redis.lrange("kept", 0, -1)
    await redis.aclose()
    return rows, words


async def test_data_is_kept_over_a_clean_restart_and_nothing_is_left_running(new_data_dir: NewDir):
    data = new_data_dir()
    async with embedded(data) as first:
        await write_both((first.database_url, first.redis_url), "bid")
        pids = list(first.pids.values())
    assert len(pids) == 2
    assert not any(runs(pid) for pid in pids)
    assert list((data / "run").iterdir()) == []
    async with embedded(data) as second:
        assert await read_both(second.database_url, second.redis_url) == (["bid"], ["bid"])


async def test_configured_addresses_are_used_as_they_are_and_nothing_is_started(tmp_path: Path):
    data = tmp_path / "data"
    async with embedded(data, "postgresql://db.example/live", "redis://cache.example") as engines:
        assert (engines.database_url, engines.redis_url) == (
            "postgresql://db.example/live",
            "redis://cache.example",
        )
        assert engines.pids == {}
    assert not data.exists()


async def test_one_configured_address_starts_only_the_other_engine(new_data_dir: NewDir):
    async with embedded(new_data_dir(), database_url="postgresql://db.example/live") as engines:
        assert list(engines.pids) == ["Valkey"]
        assert engines.database_url == "postgresql://db.example/live"


@linux_only
async def test_a_killed_server_leaves_no_orphans_and_its_successor_starts_at_once(new_data_dir: NewDir):
    data = new_data_dir()
    for round_number in range(3):
        server = await start_server(data)
        await write_both((server.said["database_url"], server.said["redis_url"]), str(round_number))
        await server.kill()
        if (
            round_number == 1
        ):  # the other rounds start while the engines of the dead server may still be ending
            for pid in server.pids.values():
                await gone(pid)
    last_pids = server.pids
    async with embedded(data) as engines:
        assert not any(runs(pid) for pid in last_pids.values())
        assert await read_both(engines.database_url, engines.redis_url) == (["0", "1", "2"], ["0", "1", "2"])


async def test_a_server_asked_to_stop_stops_its_engines(new_data_dir: NewDir):
    server = await start_server(new_data_dir())
    await server.stop()
    assert server.process.returncode == 0
    assert not any(runs(pid) for pid in server.pids.values())


async def test_a_second_server_on_the_same_data_is_told_who_has_it(new_data_dir: NewDir):
    data = new_data_dir()
    async with embedded(data):
        second = await start_server(data)
        await second.process.wait()
    assert f"pid {os.getpid()}" in second.said["error"]
    assert "LIVESERVER_DATA_DIR" in second.said["error"]


@pytest.mark.parametrize("name", ["PostgreSQL", "Valkey"])
async def test_an_engine_that_is_killed_is_brought_back_with_every_acknowledged_write(
    name: str, new_data_dir: NewDir
):
    told: asyncio.Queue[str] = asyncio.Queue()
    async with embedded(new_data_dir(), on_progress=told.put_nowait) as engines:
        await write_both((engines.database_url, engines.redis_url), "acknowledged")
        while not told.empty():
            told.get_nowait()
        dead = engines.pids[name]
        os.kill(dead, signal.SIGKILL)
        assert name in await asyncio.wait_for(told.get(), 20)
        async with asyncio.timeout(30):
            while True:
                try:
                    kept = await read_both(engines.database_url, engines.redis_url)
                    break
                except (OSError, asyncpg.PostgresError, connections.RedisError):
                    await asyncio.sleep(0.02)
        assert kept == (["acknowledged"], ["acknowledged"])
        assert engines.pids[name] != dead


async def test_an_engine_that_keeps_dying_is_given_up_with_a_reason(
    own_engines: Engines, monkeypatch: pytest.MonkeyPatch
):
    valkey = next(engine for engine in own_engines.running if engine.recipe.name == "Valkey")

    async def up_but_dead_again() -> None:
        assert not runs(valkey.pid)

    monkeypatch.setattr(valkey, "_up", up_but_dead_again)
    os.kill(valkey.pid, signal.SIGKILL)
    error = await asyncio.wait_for(own_engines.failure(), 20)
    assert f"{launcher.RESTARTS_MAX + 1} times" in str(error)


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


@linux_only
async def test_engines_do_not_see_the_servers_secrets_nor_its_terminal(
    new_data_dir: NewDir, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LIVESERVER_JWT_SECRET", "very-secret")
    async with embedded(new_data_dir()) as engines:
        for pid in engines.pids.values():
            assert b"very-secret" not in environment(pid)
            assert os.getsid(pid) == pid, "Ctrl-C would reach the engine before the server said goodbye"


@linux_only
@as_root_only
def test_roots_engines_run_as_nobody(engines: Engines):
    for pid in engines.pids.values():
        assert Path(f"/proc/{pid}").stat().st_uid == engine_identity(Path("/nonexistent")).uid != 0


@linux_only
@as_root_only
async def test_a_plain_user_runs_everything_and_root_may_continue_with_that_users_data(new_data_dir: NewDir):
    data = new_data_dir()
    os.chown(data.parent, 65534, 65534)
    server = await start_server(data, user="nobody")
    assert "error" not in server.said
    await write_both((server.said["database_url"], server.said["redis_url"]), "theirs")
    await server.kill()
    async with embedded(data) as engines:
        assert await read_both(engines.database_url, engines.redis_url) == (["theirs"], ["theirs"])


def test_engines_are_only_started_from_the_main_thread(tmp_path: Path):
    caught: list[str] = []

    def start() -> None:
        try:
            launcher.spawn(["true"], folder=tmp_path, identity=engine_identity(tmp_path), output=2)
        except RuntimeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in caught[0]


@linux_only
def test_a_dead_but_unreaped_predecessor_is_not_waited_for(tmp_path: Path):
    note = tmp_path / "postgres.pid"
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    try:
        os.waitpid(child, os.WUNTRACED)
        remember(note, child)
        assert still_runs(note) == child
        os.kill(child, signal.SIGKILL)
        while runs(child):
            pass  # a killed process becomes a zombie within microseconds
        os.kill(child, 0)  # the entry is still there, which is what misleads PostgreSQL
        assert still_runs(note) is None
    finally:
        os.waitpid(child, 0)
    note.write_text(f"{os.getpid()} 1\n")
    assert still_runs(note) is None, "the pid now belongs to another process"


@linux_only
async def test_a_lock_whose_pid_now_belongs_to_another_program_does_not_stop_postgresql(new_data_dir: NewDir):
    data = new_data_dir()
    async with embedded(data) as engines:
        lock = (data / "postgres/postmaster.pid").read_text()
        pid = engines.pids["PostgreSQL"]
    (data / "postgres/postmaster.pid").write_text(lock.replace(str(pid), str(os.getpid()), 1))
    (data / "logs/postgres.pid").write_text(f"{os.getpid()} 1\n")
    async with embedded(data) as engines:
        await (await asyncpg.connect(engines.database_url)).close()


async def test_a_predecessor_that_does_not_end_is_named(
    new_data_dir: NewDir, monkeypatch: pytest.MonkeyPatch
):
    data = new_data_dir()
    async with embedded(data):
        pass
    remember(data / "logs/valkey.pid", os.getpid())
    monkeypatch.setattr(launcher, "STOP_STEP_MS", 50)
    with pytest.raises(EngineError, match=f"pid {os.getpid()}"):
        async with embedded(data, database_url="postgresql://db.example/live"):
            pass
