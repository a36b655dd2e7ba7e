"""A world whose Redis is a Valkey cluster with replicas: primaries die or stall, and a replica takes over.

Nodes reach the cluster's members directly, for a cluster itself says where they are: of the proxies only those before PostgreSQL
count here.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from chaos.world import World
from liveserver.infra.addresses import url_at
from liveserver.infra.engines.cluster import Member, embedded_cluster
from liveserver.infra.engines.launcher import Engine, Recipe
from liveserver.rooms.log import channel_of

ASK_MAX_S = 1.0
TAKE_OVER_MAX_S = 30
LOOK_S = 0.05


class ClusterWorld(World):
    """As `World`, on a cluster of `shards`, each a primary and a replica. `safe`: bids wait until the replica has them on disk."""

    def __init__(self, nodes: int = 2, *, shards: int = 3, safe: bool = True, **more: Any) -> None:
        super().__init__(nodes, **more)
        self._shards = shards
        self._safe = safe
        self._admin_urls: dict[Member, str] = {}
        self._running: dict[Member, Engine] = {}
        self._dead: dict[Member, Recipe] = {}

    async def primary_of(self, show: str) -> Member:
        """Who takes the show's appends now, as most members see it. Raises TimeoutError when nobody does."""
        found: Member | None = None

        async def look() -> bool:
            nonlocal found
            found = await self._primary_of(key_slot(channel_of(show).encode()))
            return found is not None

        await until_true(look)
        assert found is not None, "until_true has seen it"
        return found

    def replica_of(self, member: Member) -> Member:
        """The other one of its shard."""
        return next(other for other in self._admin_urls if other.shard == member.shard and other != member)

    async def kill(self, member: Member) -> None:
        """Kill -9; it stays dead until `start`."""
        engine = self._running.pop(member)
        self._dead[member] = engine.recipe
        os.kill(engine.pid, signal.SIGKILL)
        await engine.stop()  # takes its supervisor away before that hears of the death

    async def start(self, member: Member) -> None:
        """Starts a dead member. It finds by itself what it is to the others by now."""
        engine = Engine(self._dead.pop(member), self._say)
        await engine.start()
        self._running[member] = engine

    def pause(self, member: Member) -> None:
        """It answers nobody, and goes on at `resume` as if no time had passed."""
        os.kill(self._running[member].pid, signal.SIGSTOP)

    def resume(self, member: Member) -> None:
        os.kill(self._running[member].pid, signal.SIGCONT)

    async def promoted(self, member: Member) -> None:
        """Returns when a member that was a replica has taken over."""
        await until_true(lambda: self._is_primary(member))

    async def _set_up(self) -> None:
        """The cluster first: its address goes into every node's environment."""
        cluster = await self._stack.enter_async_context(
            embedded_cluster(
                self.folder / "cluster", "", shards=self._shards, replicas=1, on_progress=self._say
            )
        )
        self._stack.push_async_callback(self._end)
        for member, engine in cluster.members:
            assert cluster.redis_admin_url is not None, "it is embedded"
            self._admin_urls[member] = url_at(cluster.redis_admin_url, f"127.0.0.1:{member.port}")
            self._running[member] = engine
        first, *others = self._admin_urls
        own = {
            # The others as well: one that is asked for the way may be the one that is dead.
            "LIVESERVER_REDIS_URL": ",".join(
                [
                    url_at(cluster.redis_url, f"127.0.0.1:{first.port}").removesuffix("/0"),
                    *(f"127.0.0.1:{member.port}" for member in others),
                ]
            ),
            "LIVESERVER_REDIS_REPLICAS": "1" if self._safe else "0",
        }
        given = [*self._node_environments, *[{}] * self._count][: self._count]
        self._node_environments = [{**environment, **own} for environment in given]
        await super()._set_up()

    async def _end(self) -> None:
        for engine in self._running.values():
            os.kill(engine.pid, signal.SIGCONT)
            await engine.stop()

    async def _primary_of(self, slot: int) -> Member | None:
        votes: list[int] = []
        for member in self._running:
            rows: Any = await self._ask(member, "CLUSTER", "SLOTS")
            votes += [int(row[2][1]) for row in rows or () if row[0] <= slot <= row[1]]
        port = max(set(votes), key=votes.count, default=0)
        return next((member for member in self._running if member.port == port), None)

    async def _is_primary(self, member: Member) -> bool:
        role = await self._ask(member, "ROLE")
        return bool(role) and role[0] == "master"

    async def _ask(self, member: Member, *words: str) -> Any:
        """None from one that does not answer."""
        client: Any = Redis.from_url(
            self._admin_urls[member],
            decode_responses=True,
            socket_timeout=ASK_MAX_S,
            socket_connect_timeout=ASK_MAX_S,
            protocol=2,
        )
        try:
            return await client.execute_command(*words)
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()


async def until_true(look: Callable[[], Awaitable[bool]]) -> None:
    """Asks until the answer is yes. Raises TimeoutError."""
    async with asyncio.timeout(TAKE_OVER_MAX_S):
        while not await look():  # noqa: ASYNC110 - other processes' state: nothing tells us
            await asyncio.sleep(LOOK_S)
