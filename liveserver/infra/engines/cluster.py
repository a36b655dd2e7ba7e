"""A whole deployment's engines on one machine: PostgreSQL, and a Valkey cluster of several shards, each with replicas.

For trying out and testing what several machines would do; the durability of every Valkey is that of a single one. The cluster
is formed at the first start and found again at the next: `nodes.conf` and the ports are kept in the data directory.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from liveserver.infra.engines import postgres, valkey
from liveserver.infra.engines.embedded import Engines, start_postgres
from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.folders import FREE_MIN_BYTES, Folders, default_data_dir, prepared
from liveserver.infra.engines.launcher import Engine
from liveserver.infra.ports import free_port

SLOTS = 16_384
SHARDS_MIN, SHARDS_MAX = 1, 16
REPLICAS_MAX = 2
BUS_PORT_APART = 10_000
"""Valkey's own convention: the cluster's bus listens that much above the port."""
NODE_TIMEOUT_MS = 2_000
"""Silence after which a primary counts as failed. Short, for everything is on one machine."""
FORM_MAX_S = 30.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Member:
    """One Valkey of the cluster: shard 0 replica 0 is the first shard's first primary."""

    shard: int
    replica: int
    port: int

    @property
    def name(self) -> str:
        return f"valkey-{self.shard}-{self.replica}"

    def url(self, folders: Folders, user: str = valkey.APP_USER) -> str:
        return f"redis://{user}:{folders.secret(valkey.secret_name(user))}@127.0.0.1:{self.port}/0"


@dataclass(frozen=True, slots=True)
class ClusterEngines(Engines):
    """As `Engines`; `redis_url` names one member, and clients find the others by it."""

    members: tuple[tuple[Member, Engine], ...] = ()


@asynccontextmanager
async def embedded_cluster(
    data_dir: Path | None = None,
    database_url: str | None = None,
    *,
    shards: int = 3,
    replicas: int = 0,
    on_progress: Callable[[str], None] = lambda _: None,
    free_min_bytes: int = FREE_MIN_BYTES,
) -> AsyncGenerator[ClusterEngines]:
    """Starts all, stops them at the end of the block; must run in the main thread's event loop. With `database_url` no
    PostgreSQL is started. With fewer than three shards all stop when one primary is away, for there is no majority then.

    Raises `EngineError` when something cannot start, or when the data directory holds a cluster of another shape.
    """
    assert SHARDS_MIN <= shards <= SHARDS_MAX, f"a cluster has {SHARDS_MIN} to {SHARDS_MAX} shards"
    assert 0 <= replicas <= REPLICAS_MAX, f"a shard has at most {REPLICAS_MAX} replicas"
    async with AsyncExitStack() as stack:
        folders = stack.enter_context(prepared(data_dir or default_data_dir(), free_min_bytes=free_min_bytes))
        members = _members(folders, shards, replicas)
        running: list[Engine] = []
        if database_url is None:
            await start_postgres(folders, stack, running, on_progress, tcp_port=None)
        engines = [
            Engine(
                valkey.recipe(folders, valkey.Place(member.name, member.port, NODE_TIMEOUT_MS)), on_progress
            )
            for member in members
        ]
        for engine in engines:
            stack.push_async_callback(engine.stop)
        started = await asyncio.gather(*(engine.start() for engine in engines), return_exceptions=True)
        for result in started:
            if isinstance(result, BaseException):
                raise result
        await _formed(folders, members, on_progress)
        first = members[0]
        yield ClusterEngines(
            database_url or postgres.url(folders),
            first.url(folders),
            postgres.url(folders, postgres.SUPERUSER, "postgres") if database_url is None else None,
            first.url(folders, valkey.ADMIN_USER),
            (*running, *engines),
            tuple(zip(members, engines, strict=True)),
        )


class _Shape(msgspec.Struct):
    shards: int
    replicas: int
    ports: list[int]


def _members(folders: Folders, shards: int, replicas: int) -> list[Member]:
    """The members with the ports they have had from the beginning: `nodes.conf` knows the others by them."""
    kept = folders.data / "valkey-cluster.json"
    try:
        shape = msgspec.json.decode(kept.read_bytes(), type=_Shape)
    except FileNotFoundError:
        shape = _Shape(shards, replicas, [free_port(BUS_PORT_APART) for _ in range(shards * (1 + replicas))])
        draft = kept.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(shape))
        draft.rename(kept)
    if (shape.shards, shape.replicas) != (shards, replicas):
        raise EngineError(
            f"The data directory holds a cluster of {shape.shards} shards with {shape.replicas} replicas each, "
            f"not of {shards} with {replicas}",
            str(folders.data),
            "Ask for that shape, or use another data directory.",
        )
    places = [(shard, replica) for replica in range(replicas + 1) for shard in range(shards)]
    return [Member(shard, replica, port) for (shard, replica), port in zip(places, shape.ports, strict=True)]


async def _formed(folders: Folders, members: list[Member], on_progress: Callable[[str], None]) -> None:
    """Waits until every member sees the whole cluster, after making one of them where there was none."""
    clients = {
        member: Redis.from_url(
            member.url(folders, valkey.ADMIN_USER), decode_responses=True, socket_timeout=5
        )
        for member in members
    }
    try:
        async with asyncio.timeout(FORM_MAX_S):
            if await _is_new(clients):
                on_progress(f"forming a cluster of {len(members)} Valkeys")
                await _meet(clients)
                await _give_slots(clients)
                await _attach_replicas(clients)
            began = time.monotonic()
            while not await _whole(clients):
                await asyncio.sleep(LOOK_S)
                if time.monotonic() - began > 5:
                    on_progress("the cluster's members are still finding each other")
                    began = time.monotonic()
    except (TimeoutError, OSError, RedisError) as error:
        raise EngineError(
            f"The Valkey cluster did not come together: {error or 'it took too long'}",
            str(folders.logs),
            "See the valkey-*.log files there. Where nothing in it is needed, remove the data directory.",
        ) from error
    finally:
        for client in clients.values():
            await client.aclose()


Clients: TypeAlias = "dict[Member, Redis]"


async def _ask(client: Redis, *words: str | int) -> str:
    return cast("str", await client.execute_command("CLUSTER", *words))


async def _is_new(clients: Clients) -> bool:
    for client in clients.values():
        info = await _ask(client, "INFO")
        if "cluster_known_nodes:1\r" not in info or "cluster_slots_assigned:0\r" not in info:
            return False
    return True


async def _meet(clients: Clients) -> None:
    first, *others = clients
    for other in others:
        await _ask(clients[first], "MEET", "127.0.0.1", other.port)
    known = f"cluster_known_nodes:{len(clients)}\r"
    for client in clients.values():
        while known not in await _ask(client, "INFO"):  # noqa: ASYNC110 - another process's state: nothing tells us
            await asyncio.sleep(LOOK_S)


async def _give_slots(clients: Clients) -> None:
    primaries = [member for member in clients if member.replica == 0]
    for at, member in enumerate(primaries):
        first, end = SLOTS * at // len(primaries), SLOTS * (at + 1) // len(primaries)
        await _ask(clients[member], "ADDSLOTSRANGE", first, end - 1)


async def _attach_replicas(clients: Clients) -> None:
    primaries = {
        member.shard: await _ask(client, "MYID") for member, client in clients.items() if member.replica == 0
    }
    for member, client in clients.items():
        if member.replica:
            while not await _replicates(client, primaries[member.shard]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK_S)


async def _replicates(client: Redis, primary: str) -> bool:
    try:
        await _ask(client, "REPLICATE", primary)
    except ResponseError as error:
        if "Unknown node" not in str(error):
            raise
        return False  # it has not heard of its primary yet
    return True


async def _whole(clients: Clients) -> bool:
    for client in clients.values():
        info = await _ask(client, "INFO")
        # Of the slots too: without full coverage required, "ok" is said by one that has not heard of most of them.
        wanted = (
            "cluster_state:ok\r",
            f"cluster_known_nodes:{len(clients)}\r",
            f"cluster_slots_ok:{SLOTS}\r",
        )
        if any(line not in info for line in wanted):
            return False
        role = cast("dict[str, str]", await client.info("replication"))
        if role["role"] == "slave" and role["master_link_status"] != "up":
            return False
    return True
