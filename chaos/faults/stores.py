"""PostgreSQL or Valkey dies, stays away, or comes back empty."""

import asyncio

from chaos.crowd import Crowd, until
from chaos.table import Fault
from chaos.world import World

UNRECORDED_MAX = 1_000
"""The smallest that the setting allows: a test must get there within seconds."""


async def valkey_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9; after a while it is started again on its append-only file."""
    await world.engines.valkey.kill()
    await asyncio.sleep(lasts_s)
    await world.engines.valkey.start()


async def valkey_flushed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Somebody with the administrator's password types FLUSHALL."""
    await world.redis_admin("FLUSHALL")


async def valkey_emptied(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Valkey dies, its files are deleted, and it is started with nothing."""
    await world.engines.empty_valkey()


async def valkey_emptied_while_one_node_knows(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The same, while the last bids were acknowledged by one node, and neither another node nor the record has heard of them."""
    # The ignorant one is connected again first.
    ignorant, knowing = world.nodes[0], world.nodes[1]
    for way in (ignorant.redis, ignorant.database, knowing.database):
        way.black_hole()
    told = len(crowd.acknowledged)
    await asyncio.sleep(lasts_s)
    assert len(crowd.acknowledged) > told, "bids were acknowledged that only one node has"
    knowing.redis.refuse()
    await world.engines.empty_valkey()
    ignorant.redis.heal()
    ignorant.redis.cut()
    ignorant.database.heal()
    await asyncio.sleep(lasts_s)
    knowing.redis.heal()
    knowing.database.heal()


async def postgres_away(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of PostgreSQL, started again after a while."""
    await world.engines.postgres.kill()
    await asyncio.sleep(lasts_s)
    await world.engines.postgres.start()


async def postgres_away_too_long(world: World, crowd: Crowd, lasts_s: float) -> None:
    """PostgreSQL stays away until the log takes nothing more, and some time longer."""
    await world.engines.postgres.kill()
    before = crowd.refusals()["unavailable"]
    await until(lambda: crowd.refusals()["unavailable"] > before + len(crowd.bidders))
    await asyncio.sleep(lasts_s)
    await world.engines.postgres.start()


FAULTS = (
    Fault(
        "valkey-killed",
        (3,),
        "Bids are answered `unavailable` until it is back (a restart takes a tenth of a second); lots end later by as much.",
        valkey_killed,
        (1, 15),
    ),
    Fault(
        "valkey-flushed",
        (10,),
        "A moment without answers; the log is built again from what nodes and the record have, and everybody gets a fresh snapshot.",
        valkey_flushed,
        (0, 0),
    ),
    Fault("valkey-emptied", (4, 10), "As above.", valkey_emptied, (0, 0)),
    Fault(
        "valkey-emptied-one-node-knows",
        (4, 10),
        "As above, and bids wait until the node that knows most has recorded it.",
        valkey_emptied_while_one_node_knows,
        (1.2, 1.8),
        world={"nodes": 2},
        crowd={"bidders_on": (1,)},
    ),
    Fault(
        "postgres-away",
        (27, 28),
        "Bids go on; sales stay provisional, and nobody new can sign in, until it is back.",
        postgres_away,
        (3, 30),
    ),
    Fault(
        "postgres-away-too-long",
        (8,),
        "Bids go on until as many wait as the setting allows; then they are answered `unavailable` until PostgreSQL has them.",
        postgres_away_too_long,
        (0.5, 10),
        world={"environment": {"LIVESERVER_UNRECORDED_MAX": str(UNRECORDED_MAX)}},
        crowd={"pause_s": 0.01},
        refused=frozenset({"unavailable"}),
    ),
)
