"""The stage of a fault: engines, nodes, and a proxy on each node's way to each engine. What a fault may do to them is theirs to offer.

Nothing here waits for people or counts anything; `crowd` and `audit` do.

    async with World(nodes=2) as world:
        async with Crowd(world) as crowd:
            await crowd.warm()
            await world.nodes[0].kill()            # or .pause(), .redis.black_hole(), .environment[...] = ... and start
            await world.engines.valkey.kill()      # or .kill_once(), .pause(), .environment[...] = ... and start
            ...
"""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from redis.asyncio import Redis

from chaos.engines import Engines, engines_in
from chaos.node import Node
from chaos.proxy import Proxy
from liveserver.infra.database import Pool, open_pool

QUICK = {
    "LIVESERVER_DRAIN_NOTICE_MS": "0",
    "LIVESERVER_DRAIN_SPREAD_MS": "0",
    "LIVESERVER_STOP_GRACE_MS": "3000",
    "LIVESERVER_RECONNECT_SPREAD_MS": "500",
    "LIVESERVER_UNLIMITED": "true",
    "LIVESERVER_LOG_FORMAT": "json",
}
"""No rate limits for a crowd that comes from one address, and little patience where only stopping is waited for."""
RECORDING_MAX_S = 20


class World:
    """Engines and nodes, from entering to leaving. `folder` holds logs and data; it is kept when `keep` is set."""

    def __init__(
        self,
        nodes: int = 2,
        *,
        environment: Mapping[str, str] | None = None,
        node_environments: Sequence[Mapping[str, str]] = (),
        recorder: str = "inside",
        valkey_environment: Mapping[str, str] | None = None,
        postgres_environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`environment` is every node's, `node_environments` the first ones' besides; the engines' may name LD_PRELOAD.
        `recorder`: "inside" the nodes, or a "process" beside each."""
        self.secret = secrets.token_hex(32)
        """Signs the tokens of the crowd's people."""
        if folder is None:
            # Not below a folder of 0700: root's engines run as somebody else, who must pass through.
            folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
            folder.chmod(0o711)
        self.folder = folder
        self.keep = False
        self.nodes: list[Node] = []
        self._count = nodes
        self._environment = {
            **QUICK,
            "LIVESERVER_RECORDER": recorder,
            "LIVESERVER_JWT_SECRET": self.secret,
            **(environment or {}),
        }
        self._node_environments = node_environments
        self._valkey_environment = valkey_environment
        self._postgres_environment = postgres_environment
        self._say = say
        self._stack = AsyncExitStack()
        self._engines: Engines | None = None
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            self.keep = True
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def engines(self) -> Engines:
        assert self._engines is not None, "the world was entered"
        return self._engines

    @property
    def living(self) -> list[Node]:
        return [node for node in self.nodes if node.alive]

    async def pool(self) -> Pool:
        """Straight to PostgreSQL, past every proxy; one pool, made at the first call."""
        if self._pool is None:
            self._pool = await open_pool(self.engines.database_url, application="chaos", connections_max=3)
            self._stack.callback(self._pool.terminate)
        return self._pool

    async def recording_node(self, show: str) -> Node:
        """The node that writes the show to PostgreSQL now. Needs nodes that record by themselves ("inside")."""
        pool = await self.pool()
        async with asyncio.timeout(RECORDING_MAX_S):
            while True:
                origin = await pool.fetchval(
                    "SELECT nodes.origin FROM show_logs JOIN nodes ON nodes.id = recorder WHERE show = $1",
                    show,
                )
                for node in self.living:
                    if origin == node.origin:
                        return node
                await asyncio.sleep(0.02)

    async def redis_admin(self, *words: str | int) -> object:
        """One command to Valkey with all rights, past every proxy."""
        async with Redis.from_url(self.engines.redis_admin_url, socket_timeout=10) as client:
            return await client.execute_command(*words)

    async def _set_up(self) -> None:
        self._stack.callback(self._tidy)
        self._engines = await self._stack.enter_async_context(
            engines_in(
                self.folder / "engines",
                postgres_environment=self._postgres_environment,
                valkey_environment=self._valkey_environment,
                say=self._say,
            )
        )
        for number in range(self._count):
            redis = await self._stack.enter_async_context(Proxy(self.engines.redis_socket))
            database = await self._stack.enter_async_context(Proxy(self.engines.database_socket))
            own = self._node_environments[number] if number < len(self._node_environments) else {}
            urls = {
                "LIVESERVER_DATABASE_URL": self.engines.database_url_at(database.port),
                "LIVESERVER_REDIS_URL": self.engines.redis_url_at(redis.port),
            }
            node = Node(
                f"node-{'abcdefgh'[number]}",
                self.folder,
                {**self._environment, **urls, **own},
                redis,
                database,
            )
            self._stack.push_async_callback(node.leave)  # all that matters was counted by then
            self.nodes.append(node)
        # The first makes the tables; the others would only wait for it.
        await self.nodes[0].start()
        await asyncio.gather(*(node.start() for node in self.nodes[1:]))

    def _tidy(self) -> None:
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
