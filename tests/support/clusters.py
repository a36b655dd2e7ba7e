"""An operator's hands on a Valkey cluster: moves slots, kills primaries, promotes replicas. Knows nothing of shows."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.crc import key_slot

from liveserver.infra.engines.cluster import ClusterEngines, Member
from liveserver.infra.engines.launcher import Engine

WAIT_S = 20
LOOK_S = 0.02


def url_of(cluster: ClusterEngines, member: Member, *, admin: bool = False) -> str:
    """Where this member is reached."""
    known = urlsplit((cluster.redis_admin_url if admin else cluster.redis_url) or "")
    return f"redis://{known.username}:{known.password}@127.0.0.1:{member.port}/0"


def engine_of(cluster: ClusterEngines, member: Member) -> Engine:
    """The process behind a member."""
    return next(engine for known, engine in cluster.members if known == member)


def owner(cluster: ClusterEngines, key: str) -> Member:
    """The member that has the key's slot as the cluster was formed."""
    shards = 1 + max(member.shard for member, _ in cluster.members)
    shard = next(at for at in range(shards) if key_slot(key.encode()) < 16_384 * (at + 1) // shards)
    return member_of(cluster, shard, 0)


def member_of(cluster: ClusterEngines, shard: int, replica: int) -> Member:
    """The member that began in this place."""
    return next(member for member, _ in cluster.members if (member.shard, member.replica) == (shard, replica))


@asynccontextmanager
async def admin(cluster: ClusterEngines, member: Member) -> AsyncGenerator[Redis]:
    """A client with all rights on one member."""
    client = Redis.from_url(
        url_of(cluster, member, admin=True), decode_responses=True, socket_timeout=5, protocol=2
    )
    try:
        yield client
    finally:
        await client.aclose()


async def move_slot(cluster: ClusterEngines, key: str, source: Member, target: Member) -> None:
    """Moves the key's slot with what is in it, in one step (https://valkey.io/commands/cluster-migrateslots/)."""
    slot = key_slot(key.encode())
    async with admin(cluster, source) as old, admin(cluster, target) as new:
        name = await new.execute_command("CLUSTER", "MYID")
        await old.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
        async with asyncio.timeout(WAIT_S):
            while not await _serves(new, slot):  # noqa: ASYNC110 - another process's state: nothing tells us
                await asyncio.sleep(LOOK_S)


async def _serves(client: Redis, slot: int) -> bool:
    rows = cast("list[list[Any]]", await client.execute_command("CLUSTER", "SLOTS"))
    own = await client.execute_command("CLUSTER", "MYID")
    return any(row[0] <= slot <= row[1] and row[2][2] == own for row in rows)


def kill(cluster: ClusterEngines, member: Member) -> None:
    """Ends a member at once. Its supervisor starts it again; whether as a primary, the others have decided by then."""
    os.kill(engine_of(cluster, member).pid, signal.SIGKILL)


@contextmanager
def stopped(cluster: ClusterEngines, member: Member) -> Generator[None]:
    """A member that answers nobody while the block runs, and goes on afterwards as if no time had passed."""
    pid = engine_of(cluster, member).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def promote(cluster: ClusterEngines, member: Member) -> None:
    """Makes a replica the primary without asking anybody."""
    async with admin(cluster, member) as client:
        await client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        async with asyncio.timeout(WAIT_S):
            while (await client.execute_command("ROLE"))[0] != "master":  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK_S)
