"""What saving and moving a record must know of the logs in Redis: what only they have, and whether there are any.

Logs themselves are never copied: the next start opens each anew from the record.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from liveserver.backup.make import unrecorded
from liveserver.cli.features import FEATURES, projectors
from liveserver.cli.say import progress
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.rooms.hub import Hub, NoShow, RoomUnavailable
from liveserver.shows.service import Shows

RECORD_MAX_S = 120.0
"""How long recording what is left in a show's log may take."""
LOOK_S = 0.05


async def record_rest(settings: Settings, pool: Pool, shards: Shards) -> None:
    """Records what only the logs have, by opening each such show's room for a moment, as the next start would. For engines that no
    server uses. Raises Mendable when something cannot be recorded, RedisError, OSError or TimeoutError when Redis is away."""
    behind = await unrecorded(pool, shards)
    if not behind:
        return
    progress(f"recording {sum(behind.values())} commands that are left in the logs of {len(behind)} shows")
    clock = SystemClock()
    hub = Hub(pool, shards, Shows(pool, clock), FEATURES, projectors(settings), clock)
    await hub.nodes.start()
    try:
        for show in behind:
            try:
                room = await hub.open(show)
                async with asyncio.timeout(RECORD_MAX_S):
                    while room.unrecorded:  # noqa: ASYNC110 - the recorder's progress, in real time
                        await asyncio.sleep(LOOK_S)
            except (NoShow, RoomUnavailable, TimeoutError) as error:
                raise _cannot(show, str(error) or f"not done after {RECORD_MAX_S:.0f} s") from error
    finally:
        await hub.aclose()
    for show in await unrecorded(pool, shards):
        raise _cannot(show, "it has more again")


async def holds_logs(shards: Shards) -> str | None:
    """The address of a Redis that holds logs of a liveserver ("" for one that needs no name); None when none does."""
    for shard in shards.all():
        keys = cast("AsyncIterator[bytes]", shard.general.scan_iter("ls:*:meta", count=1_000))
        async for _ in keys:
            return shard.address
    return None


def _cannot(show: str, why: str) -> Mendable:
    return Mendable(
        f"What is left in the log of {show} cannot be recorded: {why}",
        "the embedded engines",
        "Start the server as before and look at its log; nothing was saved or moved.",
    )
