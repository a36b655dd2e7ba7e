"""Rooms over a real Valkey cluster: shows on all shards, slots that move and primaries that fail under bids, replicas waited for.

The numbers in names are rows of the project's failure catalogue (docs/operating/faults.md).
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import msgspec
import pytest
from redis.exceptions import RedisError

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.cluster import ClusterEngines
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import UNAVAILABLE
from liveserver.rooms.hub import Hub
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.live import Answered, LiveRoom
from liveserver.rooms.log import Refusal, ShowLog, Unreplicated, channel_of
from liveserver.rooms.model import Batch, Decision, Entry, Event
from tests.rooms.conftest import AnyShow
from tests.support import clusters
from tests.support.clusters import admin, kill, primary_of, promote, replica_of, stopped
from tests.support.tally import Tally, add

WAIT_S = 30
FEATURES = (Lifecycle(), Tally())
SHOW = "show_1"
KEY = channel_of(SHOW)

NewNode = Callable[..., Awaitable[Hub]]


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[NewNode]:
    """Makes nodes that share the database and a cluster, each with connections of its own."""
    async with AsyncExitStack() as stack:

        async def make(cluster: ClusterEngines, *, replicas: int = 0) -> Hub:
            pool: Pool = await open_pool(database_url, application="node")
            stack.callback(pool.terminate)
            shards = await Shards.connect(cluster.redis_url)
            stack.push_async_callback(shards.aclose)
            shows = AnyShow()
            hub = Hub(pool, shards, shows, FEATURES, (), SystemClock(), replicas=replicas)  # pyright: ignore[reportArgumentType] - only `get` and `list` of it are used
            await hub.start()
            stack.push_async_callback(hub.aclose)
            return hub

        yield make


class Viewer:
    """Hears a room's events and checks that their order has no hole, no repetition and no step back."""

    def __init__(self, room: LiveRoom) -> None:
        self.at = room.seq
        self.resets = 0
        room.add_listener(self)

    def on_applied(self, first: int, last: int, ts: int, events: Sequence[tuple[int, Event]]) -> None:
        assert first == self.at + 1, f"heard {first} after {self.at}"
        self.at = last

    def on_halted(self) -> None:
        raise AssertionError("no room of these tests stays halted")

    def on_reset(self, epoch: int, seq: int) -> None:
        self.resets += 1
        self.at = seq


class Bidders:
    """Ask for the same thing again and again, in every room given, and remember what they were promised."""

    def __init__(self, *rooms: LiveRoom) -> None:
        self.promised: list[int] = []
        self.refused = 0
        self._enough = False
        self._more = asyncio.Event()
        self._tasks = [asyncio.create_task(self._ask(room)) for room in rooms for _ in range(4)]

    async def _ask(self, room: LiveRoom) -> None:
        while not self._enough:
            answered: Answered = await room.ask(add())
            if isinstance(answered.verdict, Decision):
                self.promised.append(answered.seq)
                self._more.set()
            else:
                assert answered.verdict == UNAVAILABLE, answered
                self.refused += 1
                await asyncio.sleep(0.01)

    async def get(self, more: int) -> None:
        """Waits for so many promises from now on."""
        wanted = len(self.promised) + more
        async with asyncio.timeout(WAIT_S):
            while len(self.promised) < wanted:
                self._more.clear()
                await self._more.wait()

    async def stop(self) -> None:
        self._enough = True
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*self._tasks)


async def agree(*rooms: LiveRoom) -> None:
    """Waits until all rooms stand at the same place and everything is recorded, then holds them against each other."""
    async with asyncio.timeout(WAIT_S):
        while len({room.seq for room in rooms}) > 1 or any(room.unrecorded for room in rooms):  # noqa: ASYNC110 - other nodes' state: nothing tells us
            await asyncio.sleep(0.01)
    assert len({room.room.dump() for room in rooms}) == 1


async def assert_kept(bidders: Bidders, pool: Pool, *rooms: LiveRoom, others: int = 0) -> None:
    """Every promise stands in every room and in the record, once; what was not promised may stand there too, and what `others`
    sent."""
    await agree(*rooms)
    assert len(set(bidders.promised)) == len(bidders.promised), "a place in the log was promised twice"
    facts = await pool.fetch("SELECT seq FROM facts WHERE show = $1 AND kind = 'added'", SHOW)
    recorded = [row["seq"] for row in facts]
    assert len(set(recorded)) == len(recorded)
    assert set(bidders.promised) <= set(recorded), "an acknowledged command was lost"
    assert len(recorded) <= len(bidders.promised) + bidders.refused + others, "a command was taken twice"
    for room in rooms:
        assert room.room.states["tally"].total == len(recorded)


async def test_shows_lie_on_all_shards_and_every_node_shows_all(node: NewNode, cluster: ClusterEngines):
    await clusters.emptied(cluster)
    shows = [f"show_{at}" for at in range(12)]
    places = {await primary_of(cluster, channel_of(show)) for show in shows}
    assert len(places) == 3
    a, b = await node(cluster), await node(cluster)
    for show in shows:
        rooms = await a.open(show), await b.open(show)
        answers = await asyncio.gather(*(room.ask(add()) for _ in range(20) for room in rooms))
        assert sorted(answered.seq for answered in answers) == list(range(1, 41))
        await agree(*rooms)


async def test_row_12_a_primary_without_the_functions_is_given_them(node: NewNode, cluster: ClusterEngines):
    await clusters.emptied(cluster)
    room = await (await node(cluster)).open(SHOW)
    await room.ask(add())
    async with admin(cluster, await primary_of(cluster, KEY)) as client:
        await client.function_flush()
    answered = await room.ask(add())
    assert isinstance(answered.verdict, Decision)
    assert answered.seq == 2


async def test_row_12_two_releases_functions_live_side_by_side(node: NewNode, cluster: ClusterEngines):
    await clusters.emptied(cluster)
    async with admin(cluster, await primary_of(cluster, KEY)) as client:
        older = "#!lua name=liveserver_log_v1\nredis.register_function('liveserver_append_v1', function() return 'old' end)"
        await client.function_load(older)
        room = await (await node(cluster)).open(SHOW)
        assert isinstance((await room.ask(add())).verdict, Decision)
        assert await client.fcall("liveserver_append_v1", 1, KEY) == "old"


@pytest.mark.parametrize("move", [clusters.move_slot, clusters.move_slot_by_keys], ids=["whole", "by keys"])
async def test_row_13_a_show_moves_to_another_shard_under_bids(
    node: NewNode, replicated: ClusterEngines, pool: Pool, move: Callable[..., Awaitable[None]]
):
    rooms = [await (await node(replicated)).open(SHOW) for _ in range(2)]
    viewers = [Viewer(room) for room in rooms]
    bidders = Bidders(*rooms)
    await bidders.get(50)
    before = await primary_of(replicated, KEY)
    await move(replicated, KEY)
    assert await primary_of(replicated, KEY) != before
    await bidders.get(50)
    await bidders.stop()
    await assert_kept(bidders, pool, *rooms)
    assert [viewer.at for viewer in viewers] == [room.seq for room in rooms]
    assert [viewer.resets for viewer in viewers] == [0, 0], "the log is whole: nobody needs a new snapshot"


async def test_row_4_a_replica_takes_over_under_bids(node: NewNode, own_cluster: ClusterEngines, pool: Pool):
    rooms = [await (await node(own_cluster)).open(SHOW) for _ in range(2)]
    viewers = [Viewer(room) for room in rooms]
    bidders = Bidders(*rooms)
    await bidders.get(50)
    replica = await replica_of(own_cluster, KEY)
    kill(own_cluster, await primary_of(own_cluster, KEY))
    await promote(own_cluster, replica)
    await bidders.get(50)
    await bidders.stop()
    await assert_kept(bidders, pool, *rooms)
    assert [viewer.at for viewer in viewers] == [room.seq for room in rooms]


async def test_row_4_a_replica_that_lacks_acknowledged_bids_takes_over(
    node: NewNode, replicated: ClusterEngines, pool: Pool
):
    rooms = [await (await node(replicated)).open(SHOW) for _ in range(2)]
    bidders = Bidders(*rooms)
    await bidders.get(20)
    old, replica = await primary_of(replicated, KEY), await replica_of(replicated, KEY)
    with ExitStack() as asleep:
        with stopped(replicated, replica):
            await bidders.get(20)  # of these the replica has not heard when the primary falls silent too
            asleep.enter_context(stopped(replicated, old))
        await promote(replicated, replica)
        await bidders.get(20)
    await bidders.get(20)  # also now that the old primary is awake and finds itself a replica
    await bidders.stop()
    await assert_kept(bidders, pool, *rooms)


async def test_row_5_nothing_is_acknowledged_that_no_replica_has(
    node: NewNode, replicated: ClusterEngines, pool: Pool
):
    rooms = [await (await node(replicated, replicas=1)).open(SHOW) for _ in range(2)]
    bidders = Bidders(*rooms)
    await bidders.get(20)
    with stopped(replicated, await replica_of(replicated, KEY)):
        await asyncio.sleep(0.2)  # what was under way before is answered
        before = len(bidders.promised)
        refused = bidders.refused
        async with asyncio.timeout(WAIT_S):
            while bidders.refused == refused:  # noqa: ASYNC110 - they are refused when their time is up
                await asyncio.sleep(0.05)
        assert len(bidders.promised) == before, "acknowledged without a replica"
    await bidders.get(20)
    await bidders.stop()
    await assert_kept(bidders, pool, *rooms)


@pytest.fixture
async def stranded(replicated: ClusterEngines) -> AsyncIterator[ShowLog]:
    """The log as a node sees it that can reach nobody but the primary of now, and goes on believing in it."""
    url = clusters.url_of(replicated, await primary_of(replicated, KEY))
    there, appends = general(url), append_connection(url)
    yield ShowLog(SHOW, Shards.around(there, [appends]), replicas=1)
    await there.aclose()
    await appends.aclose()


async def test_row_5_the_old_side_of_a_cut_acknowledges_nothing(
    node: NewNode, replicated: ClusterEngines, stranded: ShowLog, pool: Pool
):
    room = await (await node(replicated, replicas=1)).open(SHOW)
    bidders = Bidders(room)
    await bidders.get(20)
    old, replica = await primary_of(replicated, KEY), await replica_of(replicated, KEY)

    def append(batch: int) -> Awaitable[Entry]:
        payload = msgspec.msgpack.encode(Batch(bytes(16), (add(),)))
        return stranded.append("stranded", batch, SystemClock().now_ms(), 1, payload, wait_ms=100)

    with ExitStack() as asleep:
        with stopped(replicated, replica):
            with pytest.raises(Unreplicated):
                await append(1)
            asleep.enter_context(stopped(replicated, old))
        await promote(replicated, replica)
        before = len(bidders.promised)
        late = asyncio.ensure_future(append(2))
        await asyncio.sleep(0.05)  # it lies in the sleeping server's socket, which wakes up as a primary
        assert len(bidders.promised) == before, (
            "the new side has no replica yet, so it acknowledges nothing either"
        )
    with pytest.raises((Unreplicated, Refusal, RedisError)):
        await late
    await bidders.get(20)
    await bidders.stop()
    await assert_kept(bidders, pool, room, others=2)


async def test_the_rights_in_the_book_are_enough(node: NewNode, replicated: ClusterEngines):
    book = (Path(__file__).parents[2] / "docs/operating/redis.md").read_text()
    rules = book.partition("ACL SETUSER liveserver ")[2].partition("```")[0].replace("\\\n", " ").split()
    rules[rules.index(">PASSWORD")] = ">of-the-book"
    for member, _ in replicated.members:
        async with admin(replicated, member) as client:
            await client.execute_command("ACL", "SETUSER", "reader", "reset", *rules)
    try:
        url = clusters.url_of(replicated, replicated.members[0][0])
        credentials = url.partition("://")[2].partition("@")[0]
        there = url.replace(credentials, "reader:of-the-book")
        hub = await node(dataclasses.replace(replicated, redis_url=there), replicas=1)
        room = await hub.open(SHOW)
        viewer = Viewer(room)
        for _ in range(3):
            assert isinstance((await room.ask(add())).verdict, Decision)
        assert viewer.at == 3
    finally:
        for member, _ in replicated.members:
            async with admin(replicated, member) as client:
                await client.execute_command("ACL", "DELUSER", "reader")
