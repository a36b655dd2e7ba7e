"""`serve --workers N`: child processes that share the port, each a node of its own; the parent keeps engines and watches.

The kernel spreads connections over them (SO_REUSEPORT). A worker that dies is started again, a few times; what it had
acknowledged is in the log, and its viewers reconnect to another. Settings go to workers through a pipe, never through
arguments or environment, which others can read; the pipe's end also tells them when the parent is gone.
"""

import asyncio
import os
import sys
from collections import deque

import msgspec
import structlog

from liveserver.cli.compose import prepare_database, running_node
from liveserver.cli.lifetime import say_ready, until_stopped
from liveserver.cli.ports import listen
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import Settings
from liveserver.infra.engines import Engines

RESTARTS_MAX = 5
"""Deaths of one worker within `RESTARTS_WINDOW_S` after which the whole server stops: a restart does not help."""
RESTARTS_WINDOW_S = 600.0
RESTART_PAUSE_S = 0.5
"""Before a dead worker's successor is started, so that one that dies at once does not take a core."""
START_MAX_S = 60.0
"""Longest start of a worker."""
STOP_EXTRA_S = 10.0
"""After the grace for open work: for recording and closing. Then the worker is killed; its acknowledged work is in the log."""
READY = b"ready\n"
_ORDERS_BYTES_MAX = 1_048_576

log = structlog.get_logger(__name__)


class Orders(msgspec.Struct):
    """What a worker is told through its pipe."""

    settings: Settings
    database_url: str
    redis_url: str
    number: int


class Worker:
    """One child and its successors."""

    def __init__(self, settings: Settings, engines: Engines, number: int) -> None:
        self.ready = asyncio.Event()
        self.gave_up = asyncio.Event()
        self._settings = settings
        self._orders = msgspec.json.encode(Orders(settings, engines.database_url, engines.redis_url, number))
        self._number = number
        self._process: asyncio.subprocess.Process | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS_MAX)
        self._stopping = False

    async def run(self) -> None:
        """Keeps a child running until `stop`, or until it died too often (`gave_up`)."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            code = await self._once()
            if self._stopping:
                return
            log.error("worker_died", worker=self._number, code=code)
            now = loop.time()
            if len(self._deaths) == RESTARTS_MAX and now - self._deaths[0] < RESTARTS_WINDOW_S:
                self.gave_up.set()
                return
            self._deaths.append(now)
            await asyncio.sleep(RESTART_PAUSE_S)

    async def _once(self) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "liveserver.cli.workers",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Own session: Ctrl-C is for the parent, which stops its workers in order.
            start_new_session=True,
        )
        self._process = process
        assert process.stdin is not None, "it was asked for as a pipe"
        assert process.stdout is not None, "it was asked for as a pipe"
        try:
            # A line; the pipe stays open, and its end means that we are gone.
            process.stdin.write(self._orders + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(START_MAX_S):
                if await process.stdout.readline() == READY:
                    self.ready.set()
        except TimeoutError:
            process.kill()
        except (BrokenPipeError, ConnectionResetError):
            log.error("worker_died_at_start", worker=self._number)
        return await process.wait()

    async def stop(self) -> None:
        """Asks the child to stop, and kills it when it doesn't."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(self._settings.stop_grace_ms / 1000 + STOP_EXTRA_S):
                await process.wait()
        except TimeoutError:
            log.error("worker_killed", worker=self._number)
            process.kill()
            await process.wait()


async def supervise(settings: Settings, engines: Engines, stop: asyncio.Event) -> int:
    """Runs the workers until stopped; the exit code. Raises Mendable when the database can't be prepared."""
    await prepare_database(engines, progress)
    workers = [Worker(settings, engines, number) for number in range(1, settings.workers + 1)]
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
    engines = Engines(orders.database_url, orders.redis_url)
    async with stop_signals(terminal=False) as stop:
        loop, pipe = asyncio.get_running_loop(), sys.stdin.fileno()

        def parent_is_gone() -> None:
            loop.remove_reader(pipe)  # an ended pipe is readable for ever
            stop.set()
            # Nobody is left who would kill a worker that does not get through with closing.
            loop.call_later(settings.stop_grace_ms / 1000 + STOP_EXTRA_S, os._exit, EXIT_FAILED)

        loop.add_reader(pipe, parent_is_gone)
        with listen(settings.host, settings.port, shared=True) as listener:
            async with running_node(settings, engines, listener):
                sys.stdout.buffer.write(READY)
                sys.stdout.buffer.flush()
                await stop.wait()
        loop.remove_reader(pipe)
    return 0


def main() -> None:
    """The child's entry: orders come as one line on stdin."""
    line = sys.stdin.buffer.readline(_ORDERS_BYTES_MAX)
    sys.exit(run_in_loop(work(msgspec.json.decode(line, type=Orders))))


if __name__ == "__main__":
    main()
