"""Processes that die or stand still: nodes, recorders."""

import asyncio

from chaos.crowd import Crowd
from chaos.table import Fault
from chaos.world import World


async def nothing(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The same time with nothing broken, to compare with: lots end and begin here too."""
    await asyncio.sleep(lasts_s)


async def node_killed(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Kill -9 of a node; it is not started again."""
    await world.nodes[0].kill()


FAULTS = (
    Fault("nothing", (), "Nothing: this line is for comparison.", nothing, (2, 10)),
    Fault(
        "node-killed",
        (),
        "Its viewers and bidders are back on another node within a second; the others notice nothing.",
        node_killed,
    ),
)
