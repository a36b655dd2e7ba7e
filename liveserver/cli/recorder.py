"""The recorder process: a child of `serve` that follows live shows as any node does and writes them to PostgreSQL, and runs jobs.

It serves nobody, so its work costs viewers and bidders nothing. It is never needed for correctness: while it is away, serving
nodes record by themselves (`rooms.recorder`), and jobs wait.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from liveserver.cli.children import Child, Orders, read_orders, say_started, watching_parent
from liveserver.cli.features import FEATURES, projectors
from liveserver.cli.parts import started, storage
from liveserver.cli.process import Stop, prepare_process, run_in_loop, stop_signals
from liveserver.cli.relay import Telling, Told
from liveserver.cli.told import teller
from liveserver.cli.work import working
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.infra.telemetry import name_node
from liveserver.infra.tracing import tracing
from liveserver.infra.watch import Watch, engines_of
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.ids import new_id
from liveserver.kernel.tasks import end
from liveserver.rooms.dedicated import Dedicated, silent
from liveserver.rooms.hub import Hub
from liveserver.shows.service import Shows

STOP_MIN_S = 2.0
"""What the recorder gets to write what nodes have left, even where they used up the grace. Less loses nothing: it is in the log."""


class Beside:
    """The recorder process beside a server's nodes, if it has one."""

    def __init__(self, settings: Settings, engines: Engines) -> None:
        self.name = new_id("recorder") if settings.recorder == "process" else ""
        """Under which it tells its numbers; "" for no recorder."""
        self._orders = Orders(settings, engines.database_url, engines.redis_url, 0, self.name)
        self._child: Child | None = None
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts it; nobody waits for it to be ready."""
        if self.name:
            self._child = Child("recorder", "liveserver.cli.recorder", self._orders, lasting=True)
            self._running = asyncio.create_task(self._child.run(), name="recorder")

    async def replace(self) -> None:
        """Stops it and starts a successor, with the code that is installed now; nodes record meanwhile."""
        await self.stop(None)
        self.start()

    async def stop(self, within_s: float | None) -> None:
        """Stops it; it hands over its shows."""
        if self._child is not None:
            await self._child.stop(within_s=within_s)
            await end(self._running)


@asynccontextmanager
async def recorder_of(settings: Settings, engines: Engines, stop: Stop) -> AsyncGenerator[Beside]:
    """Runs the recorder process beside the block when the settings ask for one.

    It is stopped when the block is left, and then records what the nodes have left.
    """
    beside = Beside(settings, engines)
    beside.start()
    try:
        yield beside
    finally:
        await beside.stop(max(STOP_MIN_S, stop.left_s(settings.stop_grace_ms)))


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
            projectors(settings),
            clock,
            unrecorded_max=settings.unrecorded_max,
            replicas=settings.redis_replicas,
            dedicated=True,
        )
        watch = Watch(engines_of(pool, shards), clock)
        name_node(hub.node)
        hub.nodes.tell(teller(hub, watch, int, dict))
        dedicated = Dedicated(hub, pool)
        async with (
            tracing(settings.tracing_endpoint, settings.tracing_percent, hub.node),
            started(watch.start, watch.aclose),
            started(hub.start, hub.aclose),
            started(dedicated.start, dedicated.aclose),
            working(settings, engines, clock) as worker,
        ):
            telling = Telling(shards, name, lambda: Told(hub.recording(), worker.counts))
            async with started(telling.start, telling.aclose):
                # As on nodes: what lives now lives until the end.
                gc.collect()
                gc.freeze()
                yield hub


async def record(orders: Orders) -> int:
    """A recorder's life."""
    prepare_process(orders.settings, node="recorder")
    async with stop_signals(child=True) as stop:
        # Without a parent the engines end too. What is not recorded is in the log, and whoever starts next records it.
        with watching_parent(stop, 0.0):
            async with recording(orders.settings, orders.engines, orders.recorder):
                say_started()
                await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_in_loop(record(read_orders())))
