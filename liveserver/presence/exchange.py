"""What nodes tell each other about presence through Redis: counts as keys that expire, reactions as messages.

It decides nothing and keeps nothing. Every method may raise RedisError or OSError; callers go on with what they know.
Keys carry the show's hash tag, so that one show's keys lie in one slot of a cluster.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from liveserver.infra.shards import Shard, Shards
from liveserver.presence.reactions import COUNT_MAX

TTL_MS = 5_000
"""A node that has not repeated its count for so long is dead, and its viewers don't count."""
NODES_TTL_MS = 3_600_000
"""The list of a show's nodes is only a hint where to look, and may outlive them."""
NODES_MAX = 256
"""Nodes of one show that are added up. More than this is no deployment that anybody has."""
BATCH_MAX = 200
"""Shows in one round trip, so that a node with thousands of shows never holds a connection for long."""

ANSWER_MAX_MS = 1_000
"""Longest wait for one server in one round, well under the time after which what was told there is forgotten."""
SILENT_MS = 1_000
"""How long a server that did not answer is left alone."""

Work: TypeAlias = Callable[[Redis, Sequence[str]], Awaitable[None]]
"""Something done at one server for some of its shows."""


class Burst(msgspec.Struct, frozen=True, array_like=True):
    """Reactions that one node collected in one tick."""

    node: str
    counts: dict[str, int]


_burst_decoder = msgspec.msgpack.Decoder(Burst)


def nodes_key(show: str) -> str:
    """Set of the nodes that lately had viewers of the show."""
    return f"ls:{{{show}}}:viewers"


def count_key(show: str, node: str) -> str:
    """One node's viewers of the show; gone when the node is."""
    return f"ls:{{{show}}}:viewers:{node}"


def reactions_channel(show: str) -> str:
    """Where a show's bursts are published (sharded)."""
    return f"ls:{{{show}}}:reactions"


class Exchange:
    """One node's side of it."""

    def __init__(self, shards: Shards, node: str, ttl_ms: int = TTL_MS) -> None:
        self._shards = shards
        self._node = node
        self._ttl_ms = ttl_ms
        self._silent_until_s: dict[Shard, float] = {}
        """The server that did not answer lately; a second one replaces it, and is then found out again."""

    async def put(self, counts: Mapping[str, int]) -> None:
        """Says how many viewers this node has, for the next `ttl_ms`."""

        async def put(redis: Redis, shows: Sequence[str]) -> None:
            async with redis.pipeline(transaction=False) as pipe:
                for show in shows:
                    pipe.set(count_key(show, self._node), counts[show], px=self._ttl_ms)
                    pipe.sadd(nodes_key(show), self._node)
                    pipe.pexpire(nodes_key(show), NODES_TTL_MS)
                await pipe.execute()

        await self._everywhere(list(counts), put)

    async def withdraw(self, shows: Sequence[str]) -> None:
        """This node has no more viewers of these shows."""

        async def withdraw(redis: Redis, shows: Sequence[str]) -> None:
            async with redis.pipeline(transaction=False) as pipe:
                for show in shows:
                    pipe.delete(count_key(show, self._node))
                    pipe.srem(nodes_key(show), self._node)
                await pipe.execute()

        await self._everywhere(shows, withdraw)

    async def others(self, shows: Sequence[str], heard: Callable[[str, int], None]) -> None:
        """Calls `heard` with each show and its viewers on all other living nodes."""

        async def ask(redis: Redis, shows: Sequence[str]) -> None:
            for show, sum_ in (await self._others(redis, shows)).items():
                heard(show, sum_)

        await self._everywhere(shows, ask)

    async def _others(self, redis: Redis, shows: Sequence[str]) -> dict[str, int]:
        async with redis.pipeline(transaction=False) as pipe:
            for show in shows:
                pipe.smembers(nodes_key(show))
            members = cast("list[set[bytes]]", await pipe.execute())
        nodes = {
            show: sorted(name.decode() for name in names if name.decode() != self._node)[:NODES_MAX]
            for show, names in zip(shows, members, strict=True)
        }
        asked = [show for show in shows if nodes[show]]
        sums = dict.fromkeys(shows, 0)
        if not asked:
            return sums
        async with redis.pipeline(transaction=False) as pipe:
            for show in asked:
                pipe.mget([count_key(show, node) for node in nodes[show]])
            counts = cast("list[list[bytes | None]]", await pipe.execute())
        dead: list[tuple[str, list[str]]] = []
        for show, found in zip(asked, counts, strict=True):
            sums[show] = sum(int(count) for count in found if count is not None)
            expired = [node for node, count in zip(nodes[show], found, strict=True) if count is None]
            if expired:
                dead.append((show, expired))
        await self._forget(redis, dead)
        return sums

    async def _forget(self, redis: Redis, dead: Sequence[tuple[str, list[str]]]) -> None:
        # A node that only stalled puts itself back into the list with its next count.
        if not dead:
            return
        async with redis.pipeline(transaction=False) as pipe:
            for show, nodes in dead:
                pipe.srem(nodes_key(show), *nodes)
            await pipe.execute()

    async def publish(self, bursts: Mapping[str, Mapping[str, int]]) -> None:
        """Tells the other nodes what was reacted here."""

        async def publish(redis: Redis, shows: Sequence[str]) -> None:
            async with redis.pipeline(transaction=False) as pipe:
                for show in shows:
                    burst = msgspec.msgpack.encode(Burst(self._node, dict(bursts[show])))
                    pipe.execute_command("SPUBLISH", reactions_channel(show), burst)
                await pipe.execute()

        await self._everywhere(list(bursts), publish)

    def read(self, message: bytes) -> dict[str, int] | None:
        """Counts of a message received; None for this node's own and for what cannot be read."""
        try:
            burst = _burst_decoder.decode(message)
        except msgspec.MsgspecError:
            return None
        if burst.node == self._node:
            return None
        return {emoji: min(count, COUNT_MAX) for emoji, count in burst.counts.items()}

    async def _everywhere(self, shows: Sequence[str], work: Work) -> None:
        """Does the work for these shows at all their servers at once: one that is away keeps no other from it. What it raised,
        or that a show has no server, is raised at the end."""
        servers: dict[Shard, list[str]] = {}
        missing: Exception | None = None
        for show in shows:
            try:
                servers.setdefault(self._shards.of(nodes_key(show)), []).append(show)
            except RedisError as error:
                missing = error
        done = await asyncio.gather(
            *(self._at(shard, own, work) for shard, own in servers.items()), return_exceptions=True
        )
        wrong = [result for result in (*done, missing) if result is not None]
        if wrong:
            raise wrong[0]

    async def _at(self, shard: Shard, shows: Sequence[str], work: Work) -> None:
        if time.monotonic() < self._silent_until_s.get(shard, 0):
            raise TimeoutError(f"{shard.address} did not answer a moment ago")
        try:
            async with asyncio.timeout(ANSWER_MAX_MS / 1000):
                for at in range(0, len(shows), BATCH_MAX):
                    await work(shard.general, shows[at : at + BATCH_MAX])
        except TimeoutError:
            # Of a cluster's servers one hangs: the others' rounds must not all last as long as we would wait for it.
            self._silent_until_s = {shard: time.monotonic() + SILENT_MS / 1000}
            raise
        except (RedisError, OSError):
            self._shards.doubt()
            raise
