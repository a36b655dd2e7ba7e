"""Replicas and standbys: one takes over from a primary that died, stalled, or had not told it everything."""

import asyncio
from typing import Any

from chaos.cluster import ClusterWorld
from chaos.crowd import Crowd, until
from chaos.standby import StandbyWorld
from chaos.table import Bring, Fault
from chaos.world import World
from liveserver.rooms import store

BEHIND = 60
"""Commands that are recorded and that the standby lacks, at least."""
AHEAD_MAX_S = 20
STALL_S = 1.0
"""How much longer than its replica's taking over a stalled primary stays stalled."""


async def primary_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The shard's primary dies; its replica is promoted; after a while the dead one comes back as replica."""
    assert isinstance(world, ClusterWorld), "the fault's stage"
    primary = await world.primary_of(crowd.show)
    await world.kill(primary)
    await world.promoted(world.replica_of(primary))
    await asyncio.sleep(lasts_s)
    await world.start(primary)


async def primary_stalled(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The primary stands still until its replica has taken over, and then goes on with what nodes had sent it meanwhile."""
    assert isinstance(world, ClusterWorld), "the fault's stage"
    primary = await world.primary_of(crowd.show)
    world.pause(primary)
    await world.promoted(world.replica_of(primary))
    await asyncio.sleep(min(lasts_s, STALL_S))
    world.resume(primary)


async def replica_stalled(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The primary takes appends that its replica does not have: none of them is acknowledged before it has."""
    assert isinstance(world, ClusterWorld), "the fault's stage"
    replica = world.replica_of(await world.primary_of(crowd.show))
    world.pause(replica)
    await until(lambda: crowd.refusals()["unavailable"] > 0)
    promised = len(crowd.acknowledged)
    await asyncio.sleep(lasts_s)
    assert len(crowd.acknowledged) == promised, "what one machine alone has is not acknowledged"
    world.resume(replica)


async def standby_promoted(world: World, crowd: Crowd, lasts_s: float) -> None:
    """PostgreSQL dies, and its standby, which lacks what was recorded last, takes over."""
    assert isinstance(world, StandbyWorld), "the fault's stage"
    await world.standby.caught_up()
    await world.standby.fall_behind()
    began = await _recorded(world, crowd)
    async with asyncio.timeout(AHEAD_MAX_S):
        while await _recorded(world, crowd) < began + BEHIND:
            await crowd.warm(BEHIND)
    before = await _recorded(world, crowd)
    await world.fail_over()
    assert await _recorded(world, crowd) < before, "the standby lacks commits"


async def _recorded(world: World, crowd: Crowd) -> int:
    mark = await store.watermark(await world.pool(), crowd.show)
    assert mark is not None, "the show is recorded"
    return mark.seq


def _in_cluster(name: str, rows: tuple[int, ...], people_see: str, bring: Bring, **more: Any) -> Fault:
    return Fault(name, rows, people_see, bring, stage=ClusterWorld, **more)


FAULTS = (
    _in_cluster(
        "shard-primary-killed",
        (4, 7),
        "Commands are answered `unavailable` until there is a replica again.",
        primary_killed,
        lasts_s=(0.2, 10),
    ),
    _in_cluster(
        "shard-primary-killed-unwaited",
        (4, 7),
        "With `LIVESERVER_REDIS_REPLICAS=0`: commands are answered `unavailable` until the replica has taken over; what it lacks "
        "comes back from the nodes.",
        primary_killed,
        lasts_s=(0.2, 10),
        world={"safe": False},
    ),
    _in_cluster(
        "shard-primary-stalled",
        (5,),
        "Commands are answered `unavailable` until the replica has taken over and the other one follows it.",
        primary_stalled,
        lasts_s=(0.5, 1),
    ),
    _in_cluster(
        "shard-replica-stalled",
        (5,),
        "Commands are answered `unavailable`: they are taken, and not promised, until the replica is back.",
        replica_stalled,
        lasts_s=(0.2, 20),
        refused=frozenset({"unavailable"}),
    ),
    Fault(
        "postgres-standby-promoted",
        (29,),
        "Bids go on; the record is completed from the log.",
        standby_promoted,
        stage=StandbyWorld,
    ),
)
