"""What a process says of itself at each beat in the registry of nodes, for the operator's page.

Nothing is decided by it. It is bounded: `rooms_told` says which rooms are left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from liveserver.infra.watch import EngineSeen, Watch
from liveserver.nodes.service import Numbers
from liveserver.rooms.hub import Hub
from liveserver.rooms.numbers import NodeTold, rooms_told


def teller(
    hub: Hub, watch: Watch, connections: Callable[[], int], viewers: Callable[[], Mapping[str, int]]
) -> Numbers:
    """What to hand to `Nodes.tell`. `viewers` are this process's own, by show."""

    def tell() -> dict[str, Any]:
        rooms = hub.rooms.values()
        told = NodeTold(
            connections=connections(),
            rooms=len(rooms),
            cpu_percent=watch.process.cpu_percent,
            memory_bytes=watch.process.memory_bytes,
            late_ms=watch.process.late_ms,
            engines=[_rounded(engine) for engine in watch.engines.values()],
            shows=rooms_told(rooms, viewers()),
        )
        return msgspec.to_builtins(told)

    return tell


def _rounded(engine: EngineSeen) -> EngineSeen:
    return msgspec.structs.replace(
        engine, away_s=round(engine.away_s, 1), answer_ms=round(engine.answer_ms, 1)
    )
