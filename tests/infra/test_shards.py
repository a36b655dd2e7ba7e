"""A cluster as clients see it: each key at its server, a map that follows failovers, subscriptions that come back by themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from liveserver.infra.channels import Channels
from liveserver.infra.engines import Engines
from liveserver.infra.engines.cluster import ClusterEngines
from liveserver.infra.shards import Shards
from liveserver.kernel.errors import Mendable
from tests.support.clusters import LOOK_S, admin, move_slot, primary_of, promote, replica_of, stopped, until

WAIT_S = 20


@pytest.fixture
async def shards(cluster: ClusterEngines) -> AsyncIterator[Shards]:
    shards = await Shards.connect(cluster.redis_url)
    yield shards
    await shards.aclose()


@pytest.fixture
async def own_shards(replicated: ClusterEngines) -> AsyncIterator[Shards]:
    shards = await Shards.connect(replicated.redis_url)
    yield shards
    await shards.aclose()


class Subscriber:
    """Remembers what a channel brought, and how often it was told that something may be missing."""

    def __init__(self, channels: Channels, shards: Shards, channel: str) -> None:
        self.channels, self.shards, self.channel = channels, shards, channel
        self.heard: list[bytes] = []
        self.misses = 0
        self._changed = asyncio.Event()

    async def subscribe(self) -> "Subscriber":
        await self.channels.subscribe(self.channel, self._hear, self._miss)
        return self

    def _hear(self, message: bytes) -> None:
        self.heard.append(message)
        self._changed.set()

    def _miss(self) -> None:
        self.misses += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def hears(self, message: bytes) -> None:
        """Publishes where the channel is now until it was heard: nobody tells when a subscription has come about."""
        async with asyncio.timeout(WAIT_S):
            while message not in self.heard:
                try:
                    await self.shards.of(self.channel).general.execute_command(
                        "SPUBLISH", self.channel, message
                    )
                except (RedisError, OSError):
                    self.shards.doubt()
                try:
                    await asyncio.wait_for(self.until(lambda: message in self.heard), 0.05)
                except TimeoutError:
                    continue


@pytest.fixture
async def on(shards: Shards) -> AsyncIterator[Callable[[str], Subscriber]]:
    """Subscribers on the session's cluster."""
    channels = Channels(shards)
    yield lambda channel: Subscriber(channels, shards, channel)
    await channels.aclose()


async def cut_subscriptions(cluster: ClusterEngines, key: str) -> None:
    async with admin(cluster, await primary_of(cluster, key)) as client:
        assert await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") > 0


async def test_the_address_of_one_member_is_enough(shards: Shards, cluster: ClusterEngines):
    assert shards.clustered
    assert len(shards.all()) == 3
    for at in range(50):
        key = f"ls:{{show_{at}}}:log"
        await shards.of(key).general.set(key, at)  # a wrong server would answer MOVED
        assert shards.of(key).address.endswith(f":{(await primary_of(cluster, key)).port}")


async def test_all_keys_of_a_show_lie_at_one_server(shards: Shards):
    for at in range(20):
        assert shards.of(f"ls:{{show_{at}}}:log") is shards.of(f"ls:{{show_{at}}}:viewers:node_1")


async def test_any_living_member_of_a_list_leads_to_the_cluster(cluster: ClusterEngines):
    dead = cluster.redis_url.replace("@", "@127.0.0.1:1,")
    shards = await Shards.connect(dead)
    assert len(shards.all()) == 3
    await shards.aclose()


async def test_one_server_has_everything(engines: Engines, redis: Redis):
    shards = await Shards.connect(engines.redis_url)
    assert not shards.clustered
    assert shards.of("a") is shards.of("b") is shards.all()[0]
    await shards.of("a").general.set("a", 1)
    await shards.aclose()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: "redis://127.0.0.1:1", "cannot be reached"),
        (lambda url: url.replace("/0", "/3"), "no databases besides 0"),
    ],
)
async def test_an_address_that_cannot_be_used_is_told_with_its_cure(
    cluster: ClusterEngines, change: Callable[[str], str], says: str
):
    with pytest.raises(Mendable, match=says) as raised:
        await Shards.connect(change(cluster.redis_url))
    assert raised.value.where == "LIVESERVER_REDIS_URL"
    assert raised.value.mend


async def test_two_channels_of_one_server_come_back_after_its_connection_was_cut(
    on: Callable[[str], Subscriber], shards: Shards, cluster: ClusterEngines
):
    names = [f"{{show_{at}}}:bus" for at in range(100)]
    first = names[0]
    second = next(name for name in names[1:] if shards.of(name) is shards.of(first))
    one, two = await on(first).subscribe(), await on(second).subscribe()
    await one.hears(b"1")
    await two.hears(b"1")
    await cut_subscriptions(cluster, first)
    await one.until(lambda: one.misses > 0)
    await two.until(lambda: two.misses > 0)
    await one.hears(b"2")
    await two.hears(b"2")


async def test_a_connection_cut_while_nobody_listens_serves_the_next_who_does(
    on: Callable[[str], Subscriber], cluster: ClusterEngines
):
    one = await on("{show_1}:bus").subscribe()
    await one.hears(b"1")
    await one.channels.unsubscribe("{show_1}:bus")
    await asyncio.sleep(0)
    async with admin(cluster, await primary_of(cluster, "{show_1}:bus")) as client:
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal")
        await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await asyncio.sleep(0.5)  # an idle connection's end is noticed by nobody we could wait for
    again = await on("{show_1}:bus").subscribe()
    await again.hears(b"2")


async def test_row_13_a_subscription_follows_its_slot(own_shards: Shards, replicated: ClusterEngines):
    channels = Channels(own_shards)
    one = await Subscriber(channels, own_shards, "{show_1}:bus").subscribe()
    names = [f"{{show_{at}}}:bus" for at in range(2, 100)]
    stays = next(name for name in names if own_shards.of(name) is own_shards.of(one.channel))
    other = await Subscriber(channels, own_shards, stays).subscribe()
    await one.hears(b"1")
    await other.hears(b"1")
    await own_shards.of("{show_1}:key").general.set("{show_1}:key", "kept")
    await move_slot(replicated, one.channel)
    await one.until(lambda: one.misses > 0)
    await one.hears(b"2")
    await other.hears(b"2")
    assert await own_shards.of("{show_1}:key").general.get("{show_1}:key") == b"kept"
    await channels.aclose()


async def until_served_by(shards: Shards, keys: Sequence[str], ports: set[int]) -> None:
    """Waits until the map says so; it is looked up by itself."""

    async def said() -> bool:
        return {int(shards.of(key).address.rpartition(":")[2]) for key in keys} == ports

    await until(said)


async def test_a_promoted_replica_is_found_and_heard(own_shards: Shards, replicated: ClusterEngines):
    channels = Channels(own_shards)
    one = await Subscriber(channels, own_shards, "{show_1}:bus").subscribe()
    await one.hears(b"1")
    new = await replica_of(replicated, one.channel)
    await promote(replicated, new)  # the old primary lives on as its replica
    await until_served_by(own_shards, [one.channel], {new.port})
    await one.until(lambda: one.misses > 0)
    await one.hears(b"2")
    await channels.aclose()


async def test_a_primary_that_slept_through_its_succession_is_not_believed(
    own_shards: Shards, replicated: ClusterEngines
):
    key = "{show_1}:key"
    new = await replica_of(replicated, key)
    with stopped(replicated, await primary_of(replicated, key)):
        await promote(replicated, new)
        own_shards.doubt()
        await until_served_by(own_shards, [key], {new.port})
    for _ in range(20):
        own_shards.doubt()
        await asyncio.sleep(LOOK_S)
        assert own_shards.of(key).address.endswith(f":{new.port}")


async def test_replicas_are_asked_when_they_are_all_that_is_left(
    own_shards: Shards, replicated: ClusterEngines
):
    # Clients that remember primaries only would have nobody to ask.
    keys = [f"{{show_{at}}}" for at in range(20)]
    old = {await primary_of(replicated, key) for key in keys}
    new = {await replica_of(replicated, key) for key in keys}
    assert (len(old), len(new)) == (3, 3)
    with ExitStack() as stack:
        for member in old:
            stack.enter_context(stopped(replicated, member))
        for member in new:
            await promote(replicated, member)
        own_shards.doubt()
        await until_served_by(own_shards, keys, {member.port for member in new})
