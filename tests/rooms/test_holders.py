"""Before a damaged log goes on, every living node says what it knows: nothing that one of them acknowledged is lost.

The numbers in names are rows of the project's failure catalogue (docs/operating/faults.md).
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from liveserver.infra.database import Pool
from liveserver.infra.engines import Engines
from liveserver.kernel.errors import UNAVAILABLE
from liveserver.kernel.tasks import end
from liveserver.rooms import holders
from liveserver.rooms.edge import command
from liveserver.rooms.hub import Hub
from liveserver.rooms.live import LiveRoom
from liveserver.rooms.log import Unreplicated
from liveserver.rooms.model import Decision, Entry
from liveserver.rooms.recorder import Recorder
from tests.rooms.conftest import WAIT_S, Heard, NewNode
from tests.support.tally import ANA, Add, add

SHOW = "show_1"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - another node's state, in real time: nothing tells us
            await asyncio.sleep(0.01)


async def adds(room: LiveRoom, times: int) -> None:
    for _ in range(times):
        answered = await room.ask(add())
        assert isinstance(answered.verdict, Decision), answered


def total(room: LiveRoom) -> int:
    return room.room.states["tally"].total


def deafen(room: LiveRoom) -> None:
    """From now on this node hears nothing of what others append."""
    channel = SHOW

    def drop(entry: Entry) -> None:
        return

    room._feed._rooms[channel] = (drop, lambda: None)


async def only_one_knows(new_node: NewNode, acknowledged: int) -> tuple[LiveRoom, LiveRoom]:
    """Two nodes' rooms at 3; then the second acknowledges more, which neither the first nor the record has."""
    first, second = [await (await new_node()).open(SHOW) for _ in range(2)]
    await adds(second, 3)
    await until(lambda: first.seq == second.seq == 3 and not first.unrecorded and not second.unrecorded)
    deafen(first)
    for room in (first, second):
        await end(room._recorder._task)  # recording is slow at the moment: only who is asked to records
    await adds(second, acknowledged)
    assert (first.seq, second.unrecorded) == (3, acknowledged)
    return first, second


@pytest.fixture
async def admin(engines: Engines) -> AsyncIterator[Redis]:
    """Valkey with all rights."""
    assert engines.redis_admin_url is not None, "the engines of tests are embedded"
    client = Redis.from_url(engines.redis_admin_url)
    yield client
    await client.aclose()


async def test_row_10_what_another_node_alone_acknowledged_survives_a_wiped_log(
    new_node: NewNode, admin: Redis
) -> None:
    short, long = await only_one_knows(new_node, 5)
    heard = Heard()
    long.add_listener(heard)
    await admin.flushall()
    answered = await short.ask(add())
    assert isinstance(answered.verdict, Decision)
    assert answered.verdict.result == {"total": 9}
    await until(lambda: long.seq == short.seq and long.epoch == short.epoch)
    assert long.room.dump() == short.room.dump()
    await heard.until(lambda: [reset[1] for reset in heard.resets] == [8])
    await adds(long, 1)


async def test_row_4_what_the_promoted_server_lacks_and_another_node_acknowledged_survives(
    new_node: NewNode, admin: Redis
) -> None:
    short, long = await only_one_knows(new_node, 5)
    # The log as a replica has it that was promoted too early: whole up to 3, under another server.
    meta, stream = f"ls:{{{SHOW}}}:meta", f"ls:{{{SHOW}}}:log"
    for seq in range(4, 9):
        await admin.xdel(stream, f"{long.epoch}-{seq}")
    await admin.hset(meta, mapping={"seq": 3, "head": short.room.head, "run": "the-primary-that-died"})  # pyright: ignore[reportGeneralTypeIssues] - sync or async
    answered = await short.ask(add())
    assert isinstance(answered.verdict, Decision)
    assert answered.verdict.result == {"total": 9}
    await until(lambda: long.seq == short.seq)
    assert long.room.dump() == short.room.dump()


async def test_a_restarted_server_with_its_log_whole_keeps_the_epoch(new_node: NewNode, admin: Redis) -> None:
    room, other = [await (await new_node()).open(SHOW) for _ in range(2)]
    await adds(room, 3)
    epoch = room.epoch
    await admin.hset(f"ls:{{{SHOW}}}:meta", "run", "before-the-restart")  # pyright: ignore[reportGeneralTypeIssues] - sync or async
    await adds(room, 2)
    await until(lambda: other.seq == 5 and not other._appender.held)
    assert (room.epoch, other.epoch) == (epoch, epoch)
    await adds(other, 1)


async def test_a_dead_node_is_not_waited_for(
    new_node: NewNode, admin: Redis, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "DEAD_WAIT_S", 0.1)
    room = await (await new_node()).open(SHOW)
    await adds(room, 3)
    await pool.execute("INSERT INTO log_holders (show, node) VALUES ($1, 'killed')", SHOW)
    await admin.flushall()
    await adds(room, 1)
    assert total(room) == 4
    assert await pool.fetchval("SELECT count(*) FROM log_holders WHERE node = 'killed'") == 0


async def test_a_living_node_that_cannot_record_keeps_the_log_shut_until_it_can(
    new_node: NewNode, admin: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = await only_one_knows(new_node, 5)
    flush, tried = Recorder.flush, 0

    async def stuck(self: Recorder, stall_s: float) -> bool:
        nonlocal tried
        if self is long._recorder and tried < 2:
            tried += 1
            return False
        return await flush(self, stall_s)

    monkeypatch.setattr(Recorder, "flush", stuck)
    await admin.flushall()
    while (await short.ask(add())).verdict == UNAVAILABLE:
        assert total(short) == 3, "nothing goes on without what the other knows"
    assert tried == 2
    assert total(short) == 9


async def test_a_node_that_yielded_acknowledges_nothing_until_it_agrees_with_the_log(
    new_node: NewNode, pool: Pool
) -> None:
    hub: Hub = await new_node()
    room = await hub.open(SHOW)
    await adds(room, 1)
    await room._hold.yield_log()
    assert await pool.fetchval("SELECT yielded FROM log_holders WHERE node = $1", hub.node)
    assert (await room.ask(add())).verdict == UNAVAILABLE
    await room.reopen()
    await adds(room, 1)
    assert not await pool.fetchval("SELECT yielded FROM log_holders WHERE node = $1", hub.node)


async def test_who_asks_and_dies_leaves_nobody_waiting(
    new_node: NewNode, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await (await new_node()).open(SHOW)
    agreed = asyncio.Event()
    resume = room._hold.resume

    async def noted(epoch: int) -> bool:
        agreed.set()
        return await resume(epoch)

    monkeypatch.setattr(room._hold, "resume", noted)
    await holders.ask(pool, SHOW)  # and dies
    async with asyncio.timeout(WAIT_S):
        await agreed.wait()
    await until(lambda: not room._appender.held)
    await adds(room, 1)
    assert await pool.fetchval("SELECT NOT asked AND NOT yielded FROM log_holders")


async def test_a_closed_room_is_no_holder(new_node: NewNode, pool: Pool) -> None:
    hub = await new_node()
    room = await hub.open(SHOW)
    assert await pool.fetchval("SELECT count(*) FROM log_holders") == 1
    del hub.rooms[SHOW]
    await room.aclose()
    assert await pool.fetchval("SELECT count(*) FROM log_holders") == 0


class Replicas:
    """Stands for WAITAOF: the log has a batch at once, its replicas have it when told."""

    def __init__(self, room: LiveRoom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there = asyncio.Event()
        self.asked = asyncio.Event()
        self._append = room._log.append
        monkeypatch.setattr(room._log, "append", self.append)
        self._log = room._log
        self._log.replicas = 1

    async def append(
        self, node: str, batch: int, estimate_ms: int, count: int, payload: bytes, *, wait_ms: int
    ) -> Entry:
        self._log.replicas = 0  # the real server has none
        entry = await self._append(node, batch, estimate_ms, count, payload)
        self._log.replicas = 1
        self.asked.set()
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self.there.wait()
        except TimeoutError as error:
            raise Unreplicated(f"batch {batch}") from error
        return entry


async def test_row_5_a_command_is_seen_but_not_acknowledged_before_the_replicas_have_it(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, other = [await (await new_node()).open(SHOW) for _ in range(2)]
    replicas = Replicas(room, monkeypatch)
    asking = asyncio.create_task(room.ask(add()))
    await replicas.asked.wait()
    await until(lambda: other.seq == 1 and room.seq == 1)
    assert not asking.done(), "viewers may be shown it, its sender is promised nothing yet"
    replicas.there.set()
    answered = await asking
    assert (answered.seq, isinstance(answered.verdict, Decision)) == (1, True)


async def test_row_5_without_replicas_the_answer_is_unavailable_and_the_retry_finds_the_verdict(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveserver.rooms.appender.WAIT_MAX_MS", 300)
    room = await (await new_node()).open(SHOW)
    replicas = Replicas(room, monkeypatch)
    first = command("tally:add", ANA, Add(1), client="c", number=1)
    assert (await room.ask(first)).verdict == UNAVAILABLE
    assert total(room) == 1
    replicas.there.set()
    again = await room.ask(first)
    assert isinstance(again.verdict, Decision)
    assert again.verdict.result == {"total": 1}
    assert total(room) == 1, "it was decided once"
