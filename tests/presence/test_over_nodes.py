"""Presence of several nodes on the real Valkey: sums, bursts, a node that dies, a Redis that goes away and comes back."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from liveserver.infra.redis import general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.presence import Presence
from liveserver.presence.exchange import count_key, nodes_key, reactions_channel

SHOW = "show_1"
PATIENCE_S = 20


class Node:
    """A node whose viewers remember what they were told. Quick: 10 ms ticks, counts at most every 20 ms."""

    def __init__(self, shards: Shards, name: str, ttl_ms: int = 300) -> None:
        self.presence = Presence(shards, name, SystemClock(), tick_ms=10, count_ms=20, ttl_ms=ttl_ms)
        self.presence.on_state(self._hear)
        self.counts: dict[str, int] = {}
        self.reactions: Counter[str] = Counter()
        self._news = asyncio.Event()

    def _hear(self, show: str, kind: str, payload: dict[str, Any]) -> None:
        if kind == "viewer:count":
            self.counts[show] = payload["count"]
        else:
            assert kind == "reaction:burst"
            self.reactions.update(payload["counts"])
        self._news.set()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Waits for news until what is awaited was told."""
        async with asyncio.timeout(PATIENCE_S):
            while not seen():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def node(redis: Redis) -> AsyncIterator[Callable[[str], Node]]:
    nodes: list[Node] = []

    def make(name: str, using: Redis = redis) -> Node:
        nodes.append(Node(Shards.around(using), name))
        return nodes[-1]

    yield make
    for made in nodes:
        await made.presence.aclose()


async def test_viewers_of_all_nodes_are_one_number(node: Callable[[str], Node]):
    one, two = node("one"), node("two")
    for watching in (one, one, two):
        watching.presence.enter(SHOW)
    two.presence.enter("show_2")
    await one.presence.start()
    await two.presence.start()
    await one.until(lambda: one.counts.get(SHOW) == 3)
    await two.until(lambda: two.counts == {SHOW: 3, "show_2": 1})
    one.presence.leave(SHOW)
    await two.until(lambda: two.counts[SHOW] == 2)
    assert two.presence.count(SHOW) == 2
    assert "show_2" not in one.counts


async def test_a_page_of_another_node_can_ask(node: Callable[[str], Node]):
    one, two = node("one"), node("two")
    one.presence.enter(SHOW)
    two.presence.enter("show_2")
    await one.presence.start()
    await two.presence.start()
    async with asyncio.timeout(PATIENCE_S):
        while two.presence.count(SHOW) != 1:  # noqa: ASYNC110 - pages ask, they are not told
            await asyncio.sleep(0)


async def test_a_node_that_stops_takes_its_viewers_along(node: Callable[[str], Node], redis: Redis):
    one, two = node("one"), node("two")
    for watching in (one, two):
        watching.presence.enter(SHOW)
        await watching.presence.start()
    await one.until(lambda: one.counts.get(SHOW) == 2)
    await two.presence.aclose()
    assert await redis.exists(count_key(SHOW, "two")) == 0
    await one.until(lambda: one.counts[SHOW] == 1)


async def test_the_viewers_of_a_killed_node_stop_counting(
    node: Callable[[str], Node], redis: Redis, redis_url: str
):
    one = node("one")
    one.presence.enter(SHOW)
    await one.presence.start()
    script = str(Path(__file__).with_name("viewer_node.py"))
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, script, redis_url, SHOW, "4", stdout=asyncio.subprocess.PIPE
    )
    try:
        await one.until(lambda: one.counts.get(SHOW) == 5)
    finally:
        doomed.kill()
        await doomed.communicate()
    assert b"node-to-kill" in await redis.smembers(nodes_key(SHOW))
    await one.until(lambda: one.counts[SHOW] == 1)
    assert await redis.smembers(nodes_key(SHOW)) == {b"one"}


async def test_nothing_stays_in_redis_for_ever(node: Callable[[str], Node], redis: Redis):
    one = node("one")
    one.presence.enter(SHOW)
    await one.presence.start()
    two = node("two")
    two.presence.enter(SHOW)
    await two.presence.start()
    await two.until(lambda: two.counts.get(SHOW) == 2)
    keys = [key async for key in redis.scan_iter()]
    assert len(keys) == 3
    for key in keys:
        assert await redis.pttl(key) > 0, f"{key} never expires"
        assert b"{show_1}" in key, "all keys of a show must lie in one slot"


async def test_reactions_reach_the_viewers_of_every_node_exactly_once(
    node: Callable[[str], Node], redis: Redis
):
    one, two = node("one"), node("two")
    for watching in (one, two):
        watching.presence.enter(SHOW)
        await watching.presence.start()
    await followed_by(redis, 2)
    for emoji in ("🔥", "🔥", "❤"):
        assert one.presence.react(SHOW, emoji) is None
    assert two.presence.react(SHOW, "👏") is None
    expected = {"🔥": 2, "❤️": 1, "👏": 1}
    await one.until(lambda: one.reactions.total() >= 4)
    await two.until(lambda: two.reactions.total() >= 4)
    # One more round trip: an echo counted twice would have come with it.
    assert one.presence.react(SHOW, "🎉") is None
    await two.until(lambda: two.reactions["🎉"] == 1)
    assert two.presence.react(SHOW, "🎉") is None
    await one.until(lambda: one.reactions["🎉"] == 2)
    await two.until(lambda: two.reactions["🎉"] == 2)
    assert one.reactions == {**expected, "🎉": 2}
    assert two.reactions == {**expected, "🎉": 2}


async def followed_by(redis: Redis, nodes: int) -> None:
    """Waits until so many nodes are subscribed; Valkey tells nobody when somebody subscribes."""
    channel = reactions_channel(SHOW)
    async with asyncio.timeout(PATIENCE_S):
        while dict(await redis.pubsub_shardnumsub(channel))[channel.encode()] < nodes:
            pass


async def test_garbage_on_the_channel_is_no_reaction(node: Callable[[str], Node], redis: Redis):
    one = node("one")
    one.presence.enter(SHOW)
    await one.presence.start()
    await followed_by(redis, 1)
    for garbage in (b"", b"\xc1", b"\x92\xa1x\x81\xa1y\xa1z", b"{}" * 5_000):
        await redis.execute_command("SPUBLISH", reactions_channel(SHOW), garbage)
    two = node("two")
    two.presence.enter(SHOW)
    await two.presence.start()
    two.presence.react(SHOW, "🔥")
    await one.until(lambda: one.reactions.total() > 0)
    assert one.reactions == {"🔥": 1}


async def test_only_offered_reactions_of_shows_one_is_in(node: Callable[[str], Node]):
    presence = node("one").presence
    refusal = presence.react(SHOW, "🔥")
    assert refusal is not None
    assert refusal.code == "not_in_room"
    presence.enter(SHOW)
    refusal = presence.react(SHOW, "💩")
    assert refusal is not None
    assert refusal.code == "unknown_reaction"
    assert presence.react(SHOW, "🔥") is None


class Cable:
    """A connection to Redis that can be cut: passes bytes on between a socket of its own and the real one."""

    def __init__(self, target: str, path: Path) -> None:
        self.target, self.path = target, path
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def plug(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
        finally:
            sink.close()


@pytest.fixture
async def cable(redis_url: str, tmp_path: Path) -> AsyncIterator[Cable]:
    real = redis_url.removeprefix("unix://").split("@")[-1].split("?")[0]
    cable = Cable(real, tmp_path / "cable.sock")
    await cable.plug()
    yield cable
    await cable.cut()


@pytest.fixture
async def far_redis(redis_url: str, cable: Cable) -> AsyncIterator[Redis]:
    client = general(redis_url.replace(cable.target, str(cable.path)))
    yield client
    await client.aclose()


async def test_redis_away_leaves_the_own_viewers_and_recovers(
    far_redis: Redis, node: Callable[..., Node], redis: Redis, cable: Cable
):
    one, two = node("one", far_redis), node("two")
    for watching in (one, two):
        watching.presence.enter(SHOW)
        await watching.presence.start()
    await one.until(lambda: one.counts.get(SHOW) == 2)

    await cable.cut()
    await two.until(lambda: two.counts[SHOW] == 1)
    one.presence.enter(SHOW)
    await one.until(lambda: one.counts[SHOW] == 3)
    one.presence.react(SHOW, "🔥")
    await one.until(lambda: one.reactions["🔥"] == 1)

    await cable.plug()
    await two.until(lambda: two.counts[SHOW] == 3)
    await followed_by(redis, 2)
    two.presence.react(SHOW, "👏")
    await one.until(lambda: one.reactions["👏"] == 1)


async def test_a_callback_that_fails_does_not_end_presence(node: Callable[[str], Node]):
    one = node("one")
    failures = 0

    def fail(show: str, kind: str, payload: dict[str, Any]) -> None:
        nonlocal failures
        failures += 1
        raise ValueError(kind)

    one.presence.on_state(fail)
    one.presence.enter(SHOW)
    await one.presence.start()
    await one.until(lambda: one.counts.get(SHOW) == 1)
    one.presence.enter(SHOW)
    await one.until(lambda: one.counts.get(SHOW) == 2)
    assert failures == 2
