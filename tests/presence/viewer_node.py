"""A node of its own process with some viewers of a show, to be killed: arguments are the Redis URL, the show, the viewers."""

import asyncio
import sys

from liveserver.infra.redis import general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.presence import Presence


async def main(url: str, show: str, viewers: int) -> None:
    shards = Shards.around(general(url))
    presence = Presence(shards, "node-to-kill", SystemClock(), tick_ms=10, count_ms=20, ttl_ms=300)
    for _ in range(viewers):
        presence.enter(show)
    await presence.start()
    print("watching", flush=True)  # noqa: T201 - tells the test that it may go on
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
