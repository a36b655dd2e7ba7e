"""Presence of several nodes on a Valkey cluster: shows of all shards add up, and a shard that is away keeps no other from it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from liveserver.infra.engines.cluster import ClusterEngines
from liveserver.infra.shards import Shards
from liveserver.presence.exchange import TTL_MS, count_key, nodes_key
from tests.presence.test_over_nodes import Node
from tests.support import clusters
from tests.support.clusters import primary_of, promote, replica_of, stopped, until

SHOWS = [f"show_{at}" for at in range(12)]

NewNode = Callable[[str], Awaitable[Node]]


@pytest.fixture
async def nodes(replicated: ClusterEngines) -> AsyncIterator[NewNode]:
    """Nodes with viewers of every show, each with connections of its own."""
    made: list[tuple[Node, Shards]] = []

    async def make(name: str) -> Node:
        shards = await Shards.connect(replicated.redis_url)
        one = Node(shards, name, TTL_MS)
        made.append((one, shards))
        for show in SHOWS:
            one.presence.enter(show)
        await one.presence.start()
        return one

    yield make
    for one, shards in made:
        await one.presence.aclose()
        await shards.aclose()


async def react_until_heard(sender: Node, hearer: Node, show: str) -> None:
    """Reacts until the other's viewers see it: nobody tells when a subscription has come about."""
    hearer.reactions.clear()
    async with asyncio.timeout(20):
        while not hearer.reactions["🔥"]:
            assert sender.presence.react(show, "🔥") is None
            await asyncio.sleep(0.02)


async def test_shows_of_all_shards_add_up(nodes: NewNode, replicated: ClusterEngines):
    assert len({await primary_of(replicated, nodes_key(show)) for show in SHOWS}) == 3
    one, two = await nodes("one"), await nodes("two")
    for node in (one, two):
        await node.until(lambda node=node: node.counts == dict.fromkeys(SHOWS, 2))
    for show in SHOWS:
        await react_until_heard(one, two, show)


async def test_a_shard_that_is_away_keeps_no_other_from_counting(nodes: NewNode, replicated: ClusterEngines):
    one = await nodes("one")
    await one.until(lambda: one.counts == dict.fromkeys(SHOWS, 1))
    silent = await primary_of(replicated, nodes_key(SHOWS[0]))
    elsewhere = [show for show in SHOWS if await primary_of(replicated, nodes_key(show)) != silent]
    assert 0 < len(elsewhere) < len(SHOWS)
    with stopped(replicated, silent):
        two = await nodes("two")
        two.presence.enter(
            elsewhere[0]
        )  # news that come while the other server is already known to be silent
        await one.until(lambda: one.counts[elsewhere[0]] == 3)
        two.presence.leave(elsewhere[0])
        await one.until(lambda: all(one.counts[show] == 2 for show in elsewhere))
        for show in elsewhere:
            await react_until_heard(two, one, show)
    await one.until(lambda: one.counts == dict.fromkeys(SHOWS, 2))
    await two.until(lambda: two.counts == dict.fromkeys(SHOWS, 2))


async def test_counts_and_reactions_go_on_at_a_promoted_replica(nodes: NewNode, replicated: ClusterEngines):
    one, two = await nodes("one"), await nodes("two")
    await one.until(lambda: one.counts == dict.fromkeys(SHOWS, 2))
    await promote(replicated, await replica_of(replicated, nodes_key(SHOWS[0])))
    await react_until_heard(one, two, SHOWS[0])
    two.presence.enter(SHOWS[0])
    await one.until(lambda: one.counts[SHOWS[0]] == 3)


async def test_a_dead_node_s_viewers_stop_counting_on_every_shard(nodes: NewNode, replicated: ClusterEngines):
    shards = await Shards.connect(replicated.redis_url)
    for show in SHOWS:
        redis = shards.of(nodes_key(show)).general
        await redis.set(count_key(show, "dead"), 5, px=300)
        await redis.sadd(nodes_key(show), "dead")
    one = await nodes("one")
    await one.until(lambda: one.counts == dict.fromkeys(SHOWS, 6))
    await one.until(lambda: one.counts == dict.fromkeys(SHOWS, 1))

    async def forgotten() -> bool:
        members = [await shards.of(nodes_key(show)).general.smembers(nodes_key(show)) for show in SHOWS]
        return members == [{b"one"}] * len(SHOWS)

    await until(forgotten)
    await shards.aclose()
    await clusters.healed(replicated)
