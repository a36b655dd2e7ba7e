"""The network between one node and an engine: silent, broken, or losing what it should bring."""

import asyncio

from chaos.crowd import Crowd, until
from chaos.table import Fault
from chaos.world import World

ANSWERS = 5
NOTICED_MAX_S = 6.0
"""A lost message is noticed within 0.8 s while a lot is open, and within 4 s when it has just opened (rooms/live.py); the rest is for
a busy machine."""
CALM_S = 0.4
"""After the last bid's answer: by then everybody has heard it."""


async def cut_off_from_redis(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Packets between one node and Valkey are dropped, then pass again."""
    world.nodes[0].redis.black_hole()
    await asyncio.sleep(lasts_s)
    world.nodes[0].redis.heal()


async def refused_by_redis(world: World, crowd: Crowd, lasts_s: float) -> None:
    """One node's connections to Valkey are reset, and so is every new one, for a while."""
    world.nodes[0].redis.refuse()
    await asyncio.sleep(lasts_s)
    world.nodes[0].redis.heal()


async def cut_off_from_postgres(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Packets between the node that records and PostgreSQL are dropped, then pass again."""
    node = await world.recording_node(crowd.show)
    node.database.black_hole()
    await asyncio.sleep(lasts_s)
    node.database.heal()


async def answers_lost(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Valkey's answers to a node's appends get lost, one after the other, each with its connection."""
    way = world.nodes[0].redis
    for _ in range(ANSWERS):
        lost = way.lost
        way.lose_answers(1)
        await until(lambda lost=lost: way.lost > lost)
        await asyncio.sleep(lasts_s)


async def message_lost(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The last thing that is published before a silence gets lost on the way to one node."""
    node = world.nodes[1]
    async with crowd.silence():
        await asyncio.sleep(CALM_S)
        node.redis.lose_messages(1)
        seq = await crowd.say("the last word", on=0)
        # A TimeoutError when this node's viewers do not hear of it all the same.
        await until(lambda: all(viewer.seq >= seq for viewer in crowd.viewers), NOTICED_MAX_S)
        assert node.redis.lost == 1, "it was lost"


async def messages_lost(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Many published messages get lost on the way to one node while bids go on."""
    way = world.nodes[0].redis
    for _ in range(10):
        lost = way.lost
        way.lose_messages(3)
        await until(lambda lost=lost: way.lost >= lost + 3)
        await asyncio.sleep(lasts_s)


FAULTS = (
    Fault(
        "node-cut-off-from-redis",
        (5, 8),
        "Bids on that node are answered `unavailable` after 3 s; its viewers hear what they missed once it is healed. The others go on.",
        cut_off_from_redis,
        (4, 30),
        refused=frozenset({"unavailable"}),
    ),
    Fault(
        "node-refused-by-redis",
        (8,),
        "As above.",
        refused_by_redis,
        (4, 30),
        refused=frozenset({"unavailable"}),
    ),
    Fault(
        "node-cut-off-from-postgres",
        (27, 28),
        "Nothing on the other nodes, which record; on that node, pages that need PostgreSQL fail.",
        cut_off_from_postgres,
        (4, 30),
    ),
    Fault("answers-lost", (1, 15), "A bid takes a few milliseconds longer.", answers_lost, (0.1, 1)),
    Fault(
        "message-lost",
        (9,),
        "One node's viewers hear it up to four seconds later.",
        message_lost,
        (0, 0),
        crowd={"lot_ms": 8_000},
    ),
    Fault("messages-lost", (8,), "Nothing.", messages_lost, (0.05, 0.5)),
)
