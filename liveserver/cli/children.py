"""Child processes of a server, workers and the recorder: started, started again when they die, stopped in order.

Settings go to them through a pipe, never through arguments or environment, which others can read; the pipe's end also tells
them when the parent is gone. What a child does is its module's affair.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
import structlog

from liveserver.cli.say import EXIT_FAILED
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.kernel.tasks import end

RESTARTS_MAX = 5
"""Deaths of one child within `RESTARTS_WINDOW_S` after which a restart does not help."""
RESTARTS_WINDOW_S = 600.0
RESTART_PAUSE_S = 0.5
"""Before a dead child's successor is started, so that one that dies at once does not take a core."""
RESTART_PAUSE_MAX_S = 30.0
"""The same for one that goes on dying and must not be given up: the pause doubles up to here."""
START_MAX_S = 60.0
"""Longest start of a child."""
STOP_EXTRA_S = 5.0
"""What a child that stops gets on top of the grace, which it keeps by itself. Then it is killed; acknowledged work is in the log."""
READY = b"ready\n"
_ORDERS_BYTES_MAX = 1_048_576

log = structlog.get_logger(__name__)


class Orders(msgspec.Struct):
    """What a child is told through its pipe."""

    settings: Settings
    database_url: str
    redis_url: str
    number: int
    """Which worker it is, from 1; 0 for the recorder."""
    recorder: str
    """The name under which the recorder beside the nodes tells its numbers; "" when there is none."""
    scrape: str = ""
    """Folder where workers that share a port find each other's numbers; "" for processes that are asked one by one."""

    @property
    def engines(self) -> Engines:
        """The parent's engines, as a child reaches them."""
        return Engines(self.database_url, self.redis_url)


class Child:
    """One child and its successors. A `lasting` one is never given up: it is missed, but others do its work meanwhile."""

    def __init__(self, kind: str, module: str, orders: Orders, *, lasting: bool = False) -> None:
        self.ready = asyncio.Event()
        self.gave_up = asyncio.Event()
        self.died = asyncio.Event()
        """It ended at least once without being asked to by us."""
        self._kind = kind
        self._module = module
        self._grace_s = orders.settings.stop_grace_ms / 1000
        self._number = orders.number
        self._orders = msgspec.json.encode(orders)
        self._lasting = lasting
        self._process: asyncio.subprocess.Process | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS_MAX)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keeps a child running until `stop`, or until it died too often (`gave_up`)."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            code = await self._once()
            if self._stopping.is_set():
                return
            self.died.set()
            # Code 0: somebody asked it to stop, for instance a service manager that signals all processes at once.
            if code == 0:
                log.warning("child_ended", kind=self._kind, number=self._number)
            else:
                log.error("child_died", kind=self._kind, number=self._number, code=code)
            now = loop.time()
            while self._deaths and now - self._deaths[0] >= RESTARTS_WINDOW_S:
                self._deaths.popleft()
            if len(self._deaths) == RESTARTS_MAX and not self._lasting:
                self.gave_up.set()
                return
            pause_s = RESTART_PAUSE_S
            if self._lasting:
                pause_s = min(RESTART_PAUSE_MAX_S, pause_s * 4 ** len(self._deaths))
            self._deaths.append(now)
            await self._pause(pause_s)

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _once(self) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Own session: Ctrl-C is for the parent, which stops its children in order.
            start_new_session=True,
        )
        self._process = process
        assert process.stdin is not None, "it was asked for as a pipe"
        assert process.stdout is not None, "it was asked for as a pipe"
        if self._stopping.is_set():
            process.terminate()  # `stop` came while it was being started, and saw no process
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
            log.error("child_died_at_start", kind=self._kind, number=self._number)
        return await process.wait()

    async def came_up(self) -> bool:
        """Waits until the child works; False when it died instead (and would be started again)."""
        events = [asyncio.create_task(event.wait()) for event in (self.ready, self.died)]
        try:
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(*events)
        return not self.died.is_set()

    def hurry(self) -> None:
        """Tells the child to stop and to wait for nobody."""
        self._signal(signal.SIGINT)

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(number)

    async def stop(self, *, replaced: bool = False, within_s: float | None = None) -> None:
        """Asks the child to stop, because another does its work already or because all stop, and kills it when it doesn't
        within the grace and `STOP_EXTRA_S`, or within what is said."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGHUP if replaced else signal.SIGTERM)
        try:
            async with asyncio.timeout(self._grace_s + STOP_EXTRA_S if within_s is None else within_s):
                await process.wait()
        except TimeoutError:
            log.error("child_killed", kind=self._kind, number=self._number)
            process.kill()
            await process.wait()


# -- the child's own side


def read_orders() -> Orders:
    """The line that the parent writes to our stdin."""
    return msgspec.json.decode(sys.stdin.buffer.readline(_ORDERS_BYTES_MAX), type=Orders)


def say_started() -> None:
    """Tells the parent that we work now."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


@contextmanager
def watching_parent(stop: asyncio.Event, closing_max_s: float) -> Generator[None]:
    """Sets `stop` when the parent is gone, and ends the process when closing then takes longer than `closing_max_s`."""
    loop, pipe = asyncio.get_running_loop(), sys.stdin.fileno()

    def parent_is_gone() -> None:
        loop.remove_reader(pipe)  # an ended pipe is readable for ever
        stop.set()
        # Nobody is left who would kill a child that does not get through with closing.
        loop.call_later(closing_max_s, os._exit, EXIT_FAILED)

    loop.add_reader(pipe, parent_is_gone)
    try:
        yield
    finally:
        loop.remove_reader(pipe)
