"""Processes that die or stand still: nodes, recorders, everything at once."""

import asyncio

from chaos.crowd import Crowd, until
from chaos.table import Fault
from chaos.world import World


async def nothing(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The same time with nothing broken, to compare with: lots end and begin here too."""
    await asyncio.sleep(lasts_s)


async def node_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of a node that does not record; it is not started again."""
    recording = await world.recording_node(crowd.show)
    await next(node for node in world.nodes if node is not recording).kill()


async def recording_node_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of the node that writes the show to PostgreSQL; it is not started again."""
    await (await world.recording_node(crowd.show)).kill()


async def recorders_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of all nodes' recorder processes at once; their nodes start new ones by themselves."""
    old = {node.recorder_pid for node in world.nodes}
    for node in world.nodes:
        node.kill_recorder()
    await until(lambda: all(node.recorder_pid not in {None, *old} for node in world.nodes))


async def nodes_killed_in_turn(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of one node after the other, each started again before the next dies."""
    for node in world.nodes:
        await node.kill()
        await asyncio.sleep(lasts_s)
        await node.start()
        await crowd.warm()


async def slow_node_joins(world: World, crowd: Crowd, lasts_s: float) -> None:
    """A node that is slow to reach PostgreSQL and Valkey (40 ms and 6 ms there and back) starts while bids go on, and must serve all."""
    late = world.nodes[0]
    await late.kill()
    late.database.delay(20)
    late.redis.delay(3)
    await late.start()
    for node in world.nodes[1:]:
        await node.kill()
    await asyncio.sleep(lasts_s)
    await crowd.warm()
    late.database.heal()
    late.redis.heal()


async def node_paused(world: World, crowd: Crowd, lasts_s: float) -> None:
    """SIGSTOP of a node, and SIGCONT: its connections stand, its memory is of the past."""
    world.nodes[0].pause()
    await asyncio.sleep(lasts_s)
    world.nodes[0].resume()


async def everything_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The power fails: nodes and engines die in one moment, and come back."""
    await asyncio.gather(
        world.engines.valkey.kill(), world.engines.postgres.kill(), *(node.kill() for node in world.nodes)
    )
    await asyncio.sleep(lasts_s)
    await asyncio.gather(world.engines.valkey.start(), world.engines.postgres.start())
    await asyncio.gather(*(node.start() for node in world.nodes))


FAULTS = (
    Fault("nothing", (), "Nothing: this line is for comparison.", nothing, (2, 10)),
    Fault(
        "node-killed",
        (20,),
        "Its viewers and bidders are on another node half a second later and miss no event; the others notice nothing.",
        node_killed,
        (0, 0),
    ),
    Fault(
        "recording-node-killed",
        (27,),
        "As above; and sales stay provisional until another node takes over recording, at most 3 s later.",
        recording_node_killed,
        (0, 0),
    ),
    Fault(
        "recorders-killed",
        (27,),
        "Sales stay provisional for up to 3 s, until the nodes record by themselves; bids go on.",
        recorders_killed,
        (0, 0),
        world={"recorder": "process"},
    ),
    Fault(
        "nodes-killed-in-turn",
        (20,),
        "Everybody changes nodes once or twice, half a second each; nothing is missed.",
        nodes_killed_in_turn,
        (0, 5),
    ),
    Fault(
        "slow-node-joins",
        (),
        "Everybody changes nodes; bids take as much longer as the way to Valkey.",
        slow_node_joins,
        (0.5, 5),
    ),
    Fault(
        "node-paused",
        (8,),
        "Who is on it hears nothing until it runs again, or until the client gives it up (after some 40 s) and goes elsewhere; the others go on.",
        node_paused,
        (4, 60),
    ),
    Fault(
        "everything-killed",
        (3,),
        "Everybody waits for the machine, and, for clients then try less often, up to as long again (20 s at most). Bids go on where they stopped.",
        everything_killed,
        (0, 10),
    ),
)
