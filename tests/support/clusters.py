"""An operator's hands on a Valkey cluster: moves slots, stops and kills members, promotes replicas. Knows nothing of shows."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from liveserver.infra.engines.cluster import ClusterEngines, Member

WAIT_S = 20
LOOK_S = 0.02


def url_of(cluster: ClusterEngines, member: Member) -> str:
    """Where this member is reached, with the server's own rights."""
    known = urlsplit(cluster.redis_url)
    return f"redis://{known.username}:{known.password}@127.0.0.1:{member.port}/0"


@asynccontextmanager
async def admin(cluster: ClusterEngines, member: Member) -> AsyncGenerator[Redis]:
    """A client with all rights on one member."""
    known = urlsplit(cluster.redis_admin_url or "")
    client = Redis.from_url(
        f"redis://{known.username}:{known.password}@127.0.0.1:{member.port}/0",
        decode_responses=True,
        socket_timeout=5,
        protocol=2,
    )
    try:
        yield client
    finally:
        await client.aclose()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits for something that other processes agree on: nothing tells us when."""
    async with asyncio.timeout(WAIT_S):
        while not await true():  # noqa: ASYNC110 - see above
            await asyncio.sleep(LOOK_S)


async def primary_of(cluster: ClusterEngines, key: str) -> Member:
    """The member that has the key's slot now, as the others see it."""
    return (await _shard(cluster, key))[0]


async def replica_of(cluster: ClusterEngines, key: str) -> Member:
    """The replica of the member that has the key's slot now."""
    return (await _shard(cluster, key))[1]


async def other_primary(cluster: ClusterEngines, key: str) -> Member:
    """A primary that has not the key's slot."""
    own = await primary_of(cluster, key)
    rows = await _rows(cluster)
    return next(members[0] for _, _, members in rows if members[0] != own)


async def _shard(cluster: ClusterEngines, key: str) -> list[Member]:
    slot = key_slot(key.encode())
    return next(members for first, last, members in await _rows(cluster) if first <= slot <= last)


async def _rows(cluster: ClusterEngines) -> list[tuple[int, int, list[Member]]]:
    async with admin(cluster, cluster.members[0][0]) as client:
        told = cast("list[list[Any]]", await client.execute_command("CLUSTER", "SLOTS"))
    by_port = {member.port: member for member, _ in cluster.members}
    return [(first, last, [by_port[int(place[1])] for place in places]) for first, last, *places in told]


async def move_slot(cluster: ClusterEngines, key: str) -> None:
    """Moves the key's slot with what is in it to another shard, in one step
    (https://valkey.io/commands/cluster-migrateslots/)."""
    slot = key_slot(key.encode())
    source, target = await primary_of(cluster, key), await other_primary(cluster, key)
    async with admin(cluster, source) as old, admin(cluster, target) as new:
        name = await new.execute_command("CLUSTER", "MYID")
        await old.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)

        async def moved() -> bool:
            return await primary_of(cluster, key) == target

        await until(moved)


async def move_slot_by_keys(cluster: ClusterEngines, key: str) -> None:
    """The same as Redis does it: key by key, answering TRYAGAIN, ASK and MOVED meanwhile
    (https://valkey.io/commands/cluster-setslot/)."""
    slot = key_slot(key.encode())
    source, target = await primary_of(cluster, key), await other_primary(cluster, key)
    known = urlsplit(cluster.redis_admin_url or "")
    async with admin(cluster, source) as old, admin(cluster, target) as new:
        old_name, new_name = (
            await old.execute_command("CLUSTER", "MYID"),
            await new.execute_command("CLUSTER", "MYID"),
        )
        await new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", old_name)
        await old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new_name)
        while keys := cast("list[str]", await old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1)):
            words = ("127.0.0.1", target.port, "", 0, 5_000, "AUTH2", known.username, known.password)
            await old.execute_command("MIGRATE", *words, "KEYS", *keys)
            await asyncio.sleep(LOOK_S)  # somebody asks for the show while it is in two halves
        await new.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_name)
        await old.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_name)

        async def moved() -> bool:
            return await primary_of(cluster, key) == target

        await until(moved)


def kill(cluster: ClusterEngines, member: Member) -> None:
    """Ends a member at once. Its supervisor starts it again; whether as a primary, the others have decided by then."""
    os.kill(_pid(cluster, member), signal.SIGKILL)


@contextmanager
def stopped(cluster: ClusterEngines, member: Member) -> Generator[None]:
    """A member that answers nobody while the block runs, and goes on afterwards as if no time had passed."""
    pid = _pid(cluster, member)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _pid(cluster: ClusterEngines, member: Member) -> int:
    return next(engine for known, engine in cluster.members if known == member).pid


async def promote(cluster: ClusterEngines, member: Member) -> None:
    """Makes a replica the primary without asking anybody."""
    async with admin(cluster, member) as client:
        await client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")

        async def leads() -> bool:
            return cast("list[str]", await client.execute_command("ROLE"))[0] == "master"

        await until(leads)


async def healed(cluster: ClusterEngines) -> None:
    """Waits until all members agree and every replica follows its primary."""

    async def whole() -> bool:
        return all([await _is_well(cluster, member) for member, _ in cluster.members])

    await until(whole)


async def _is_well(cluster: ClusterEngines, member: Member) -> bool:
    async with admin(cluster, member) as client:
        try:
            info = cast("str", await client.execute_command("CLUSTER", "INFO"))
            role = cast("dict[str, Any]", await client.info("replication"))
            rows = cast("list[list[Any]]", await client.execute_command("CLUSTER", "SLOTS"))
        except (RedisError, OSError):
            return False  # it is only just starting
    replicas = len(cluster.members) // (1 + max(member.shard for member, _ in cluster.members)) - 1
    follows = role["role"] == "master" or role["master_link_status"] == "up"
    led = role["role"] != "master" or role["connected_slaves"] == replicas
    known = "cluster_state:ok\r" in info and "cluster_slots_ok:16384\r" in info
    return known and follows and led and all(len(row) == 3 + replicas for row in rows)


async def emptied(cluster: ClusterEngines) -> None:
    """Leaves no key and no function anywhere."""
    for member, _ in cluster.members:
        async with admin(cluster, member) as client:
            if cast("list[str]", await client.execute_command("ROLE"))[0] == "master":
                await client.flushall()
                await client.function_flush()
