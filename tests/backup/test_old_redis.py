"""A restored record meets the Redis that has gone on since the backup: it goes on with what fits, and refuses what does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from liveserver.backup.archive import opened
from liveserver.backup.make import make
from liveserver.backup.restore import restore
from liveserver.infra.database import Pool, open_pool
from liveserver.rooms.hub import Hub, RoomUnavailable
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.model import Decision
from tests.rooms.conftest import WAIT_S, NewNode, new_node
from tests.support.tally import add

__all__ = ["new_node"]

SHOW = "show_1"


@pytest.fixture
async def restored(empty_database_url: str) -> AsyncIterator[Pool]:
    """Where the backup comes back."""
    pool = await open_pool(empty_database_url)
    yield pool
    pool.terminate()


async def adds(room: LiveRoom, times: int) -> None:
    for _ in range(times):
        assert isinstance((await room.ask(add())).verdict, Decision)
    async with asyncio.timeout(WAIT_S):
        while room.unrecorded:  # noqa: ASYNC110 - the record's state, in real time: nothing tells us
            await asyncio.sleep(0.01)


async def saved_and_restored(folder: Path, pool: Pool, dsn: str, restored: Pool, restored_dsn: str) -> None:
    await make(folder / "a.tar", pool, dsn, None, {}, [], None, on_progress=lambda _: None)
    with opened(folder / "a.tar", lambda _: None) as archive:
        await restore(archive, restored, restored_dsn, on_progress=lambda _: None)


def total(room: LiveRoom) -> int:
    return room.room.states["tally"].total


async def test_row_3_a_log_that_still_follows_the_restored_record_is_gone_on_with(
    tmp_path: Path, new_node: NewNode, pool: Pool, database_url: str, restored: Pool, empty_database_url: str
) -> None:
    before: Hub = await new_node()
    room = await before.open(SHOW)
    await adds(room, 10)
    await saved_and_restored(tmp_path, pool, database_url, restored, empty_database_url)
    await adds(room, 20)
    await before.aclose()

    after = await (await new_node(database_url=empty_database_url)).open(SHOW)
    assert (total(after), after.epoch) == (30, room.epoch), "what Redis had more is not lost"
    await adds(after, 1)
    assert await restored.fetchval("SELECT recorded_seq FROM show_logs") == after.seq


async def test_row_3_a_restored_record_that_its_redis_can_not_follow_is_refused(
    tmp_path: Path, new_node: NewNode, pool: Pool, database_url: str, restored: Pool, empty_database_url: str,
    redis: Redis, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("liveserver.rooms.log.KEEP_MAX", 10)
    before: Hub = await new_node()
    room = await before.open(SHOW)
    await adds(room, 10)
    await saved_and_restored(tmp_path, pool, database_url, restored, empty_database_url)
    await adds(room, 130)
    await before.aclose()

    node = await new_node(database_url=empty_database_url)
    with pytest.raises(RoomUnavailable, match="ends at 10, and was at 140 before"):
        await node.open(SHOW)
    assert await restored.fetchval("SELECT recorded_seq FROM show_logs") == 10, "nothing was changed"
    assert await redis.hget(f"ls:{{{SHOW}}}:meta", "seq") == b"140"

    await redis.delete(f"ls:{{{SHOW}}}:meta", f"ls:{{{SHOW}}}:log")  # the operator decides for the record
    after = await node.open(SHOW)
    assert (total(after), after.epoch) == (10, room.epoch + 1)
