"""`serve --workers N`: child processes that share the port, each a node of its own; the parent keeps engines and watches.

The kernel spreads connections over them (SO_REUSEPORT). A worker that dies is started again, a few times; what it had
acknowledged is in the log, and its viewers reconnect to another. On SIGHUP they are replaced one after the other.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable

import structlog

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
from liveserver.cli.process import Stop, prepare_process, run_in_loop, stop_signals
from liveserver.cli.recorder import Beside
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.cli.scrape import Scrape
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.kernel.tasks import end

log = structlog.get_logger(__name__)


def worker(orders: Orders) -> Child:
    """One that shares the port."""
    return Child("worker", "liveserver.cli.workers", orders)


class Workers:
    """The workers of one server, and the rolling that replaces them. `make` says what a worker is, `called` what people call it."""

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        recorder: Beside,
        make: Callable[[Orders], Child] = worker,
        called: str = "worker",
    ) -> None:
        self.gave_up = asyncio.Event()
        """One of those that serve died too often."""
        self._settings = settings
        self._engines = engines
        self._recorder = recorder
        self._make = make
        self._called = called
        # For its owner only, and with a short name: a socket's path has at most 107 characters.
        self._scrape = tempfile.mkdtemp(prefix="liveserver-")
        self._serving: dict[int, Child] = {}
        self._all: dict[Child, list[asyncio.Task[None]]] = {}
        """Those that serve, that come up, and that end."""
        self._rolling: asyncio.Task[None] | None = None

    def _begin(self, number: int) -> Child:
        orders = Orders(
            self._settings,
            self._engines.database_url,
            self._engines.redis_url,
            number,
            self._recorder.name,
            self._scrape,
        )
        child = self._make(orders)
        self._all[child] = [
            asyncio.create_task(child.run(), name="worker"),
            asyncio.create_task(self._watch(number, child), name="watch worker"),
        ]
        return child

    async def _watch(self, number: int, child: Child) -> None:
        await child.gave_up.wait()
        if self._serving.get(number) is child:
            self.gave_up.set()

    async def start(self) -> None:
        """Returns when all of them serve."""
        for number in range(1, self._settings.workers + 1):
            self._serving[number] = self._begin(number)
        await asyncio.gather(*(child.ready.wait() for child in self._serving.values()))

    def roll(self) -> None:
        """Begins to replace all workers; nothing happens while that is under way."""
        if self._rolling is not None and not self._rolling.done():
            progress(f"the {self._called}s are being replaced already")
            return
        self._rolling = asyncio.create_task(self._roll(), name="roll workers")

    async def _roll(self) -> None:
        progress(f"replacing the {self._called}s one after the other")
        for number, old in tuple(self._serving.items()):
            new = self._begin(number)
            if not await new.came_up():
                await self._end(new)
                log.error("roll_stopped", number=number)
                fail(
                    f"The new {self._called} {number} did not come up, so the {self._called}s are no longer replaced; the old ones go on",
                    "its last lines are above",
                    "Mend the cause they name, then send SIGHUP again.",
                )
                return
            self._serving[number] = new
            await self._end(old, replaced=True)
            log.info("worker_replaced", number=number)
        await self._recorder.replace()
        progress(f"all {len(self._serving)} {self._called}s were replaced")

    async def _end(self, child: Child, *, replaced: bool = False) -> None:
        await child.stop(replaced=replaced)
        await end(*self._all.pop(child, ()))

    async def aclose(self, stop: Stop) -> None:
        """Stops all of them at the same time; at once when `stop` says so."""
        await end(self._rolling)
        children = tuple(self._all)
        hurrying = asyncio.create_task(self._hurry(stop, children))
        try:
            await asyncio.gather(*(self._end(child) for child in children))
        finally:
            await end(hurrying)
            shutil.rmtree(self._scrape, ignore_errors=True)

    async def _hurry(self, stop: Stop, children: tuple[Child, ...]) -> None:
        await stop.at_once.wait()
        for child in children:
            child.hurry()


async def supervise(settings: Settings, engines: Engines, recorder: Beside, stop: Stop) -> int:
    """Runs the workers until stopped; the exit code."""
    workers = Workers(settings, engines, recorder)
    ready = asyncio.create_task(workers.start(), name="workers")
    gone = asyncio.create_task(workers.gave_up.wait())
    ended = asyncio.create_task(until_stopped(engines, stop))
    try:
        await asyncio.wait({ready, ended, gone}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            stop.on_hangup = workers.roll
            progress(f"{settings.workers} workers share the port")
            say_ready(settings.origin())
            await asyncio.wait({ended, gone}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return ended.result()
        fail(
            f"A worker died {RESTARTS_MAX + 1} times within {RESTARTS_WINDOW_S / 60:.0f} minutes",
            "its last lines are above",
            "Mend the cause they name and start the server again.",
        )
        return EXIT_FAILED
    finally:
        stop.on_hangup = _too_late
        await end(ready, ended, gone)
        await workers.aclose(stop)


def _too_late() -> None:
    progress("the server stops; nothing is replaced any more")


async def work(orders: Orders) -> int:
    """A worker's life."""
    settings = orders.settings
    prepare_process(settings, node=f"worker-{orders.number}")
    async with stop_signals(child=True) as stop:
        with (
            watching_parent(stop, settings.stop_grace_ms / 1000 + STOP_EXTRA_S),
            listen(settings.host, settings.port, shared=True) as listener,
        ):
            scrape = Scrape(orders.scrape, orders.number)
            async with running_node(
                settings, orders.engines, listener, recorder=orders.recorder, stop=stop, scrape=scrape
            ):
                say_started()
                await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_in_loop(work(read_orders())))
