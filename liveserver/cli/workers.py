"""`serve --workers N`: child processes that share the port, each a node of its own; the parent keeps engines and watches.

The kernel spreads connections over them (SO_REUSEPORT). A worker that dies is started again, a few times; what it had
acknowledged is in the log, and its viewers reconnect to another.
"""

import asyncio
import sys

from liveserver.cli.children import (
    RESTARTS_MAX,
    RESTARTS_WINDOW_S,
    STOP_EXTRA_S,
    Child,
    Orders,
    read_orders,
    say_started,
    watching_parent,
)
from liveserver.cli.compose import running_node
from liveserver.cli.lifetime import say_ready, until_stopped
from liveserver.cli.ports import listen
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import Settings
from liveserver.infra.engines import Engines


async def supervise(settings: Settings, engines: Engines, recorder: str, stop: asyncio.Event) -> int:
    """Runs the workers until stopped; the exit code."""
    workers = [
        Child(
            "worker",
            "liveserver.cli.workers",
            Orders(settings, engines.database_url, engines.redis_url, number, recorder),
        )
        for number in range(1, settings.workers + 1)
    ]
    tasks = [asyncio.create_task(worker.run(), name="worker") for worker in workers]
    gone = [asyncio.create_task(worker.gave_up.wait()) for worker in workers]
    ready = asyncio.gather(*(worker.ready.wait() for worker in workers))
    ended = asyncio.create_task(until_stopped(engines, stop))
    try:
        await asyncio.wait({ready, ended, *gone}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            progress(f"{len(workers)} workers share the port")
            say_ready(settings.origin())
            await asyncio.wait({ended, *gone}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return ended.result()
        fail(
            f"A worker died {RESTARTS_MAX + 1} times within {RESTARTS_WINDOW_S / 60:.0f} minutes",
            "its last lines are above",
            "Mend the cause they name and start the server again.",
        )
        return EXIT_FAILED
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))
        for task in (ready, ended, *gone, *tasks):
            task.cancel()
        await asyncio.gather(ready, ended, *gone, *tasks, return_exceptions=True)


async def work(orders: Orders) -> int:
    """A worker's life."""
    settings = orders.settings
    prepare_process(settings, node=f"worker-{orders.number}")
    async with stop_signals(terminal=False) as stop:
        with (
            watching_parent(stop, settings.stop_grace_ms / 1000 + STOP_EXTRA_S),
            listen(settings.host, settings.port, shared=True) as listener,
        ):
            async with running_node(settings, orders.engines, listener, recorder=orders.recorder):
                say_started()
                await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_in_loop(work(read_orders())))
