"""The recorder process: a child of `serve` that follows live shows as any node does and writes them to PostgreSQL.

It serves nobody, so its work costs viewers and bidders nothing. It is never needed for correctness: while it is away, serving
nodes record by themselves (`rooms.recorder`).
"""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from liveserver.cli.children import Child, Orders, read_orders, say_started, watching_parent
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.cli.parts import started, storage
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals
from liveserver.cli.relay import Telling
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.ids import new_id
from liveserver.kernel.tasks import end
from liveserver.rooms.dedicated import Dedicated, silent
from liveserver.rooms.hub import Hub
from liveserver.shows.service import Shows


@asynccontextmanager
async def recorder_of(settings: Settings, engines: Engines) -> AsyncGenerator[str]:
    """Runs the recorder process beside the block when the settings ask for one. Gives its name, or "".

    Nobody waits for it to be ready. It is stopped when the block is left, and then records what the nodes have left.
    """
    if settings.recorder != "process":
        yield ""
        return
    name = new_id("recorder")
    orders = Orders(settings, engines.database_url, engines.redis_url, 0, name)
    child = Child("recorder", "liveserver.cli.recorder", orders, lasting=True)
    running = asyncio.create_task(child.run(), name="recorder")
    try:
        yield name
    finally:
        await child.stop()
        await end(running)


@asynccontextmanager
async def recording(settings: Settings, engines: Engines, name: str) -> AsyncGenerator[Hub]:
    """Records all shows that are live while the block runs. Raises Mendable when the storage can't be used."""
    clock = SystemClock()
    async with storage(settings, engines) as (pool, shards):
        hub = Hub(
            pool,
            shards,
            Shows(pool, clock),
            silent(FEATURES),
            PROJECTORS,
            clock,
            unrecorded_max=settings.unrecorded_max,
            replicas=settings.redis_replicas,
            dedicated=True,
        )
        dedicated = Dedicated(hub, pool)
        telling = Telling(shards, name, hub.recording)
        async with (
            started(hub.start, hub.aclose),
            started(dedicated.start, dedicated.aclose),
            started(telling.start, telling.aclose),
        ):
            # As on nodes: what lives now lives until the end.
            gc.collect()
            gc.freeze()
            yield hub


async def record(orders: Orders) -> int:
    """A recorder's life."""
    prepare_process(orders.settings, node="recorder")
    async with stop_signals(terminal=False) as stop:
        # Without a parent the engines end too. What is not recorded is in the log, and whoever starts next records it.
        with watching_parent(stop, 0.0):
            async with recording(orders.settings, orders.engines, orders.recorder):
                say_started()
                await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_in_loop(record(read_orders())))
