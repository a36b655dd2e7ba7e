"""What every server process of ours does around its work: the fast loop, signals, the limit of open files, log lines.

It knows no part of the server.
"""

import asyncio
import resource
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import uvloop

from liveserver.config import Settings
from liveserver.infra.telemetry import set_up_logging

FILES_MAX = 1_048_576
"""As many open files as we ask for at most, where the hard limit is higher or unlimited."""


def run_in_loop(work: Coroutine[Any, Any, int]) -> int:
    """Runs a server's main coroutine on uvloop and gives its exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def prepare_process(settings: Settings, node: str = "") -> None:
    """Log lines as the settings say, and as many open files as the system allows."""
    set_up_logging(
        settings.log_level, cast(Literal["auto", "console", "json"], settings.log_format), process=node
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Stop(asyncio.Event):
    """The wish that this process stops; set once it was said."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = asyncio.Event()
        """Somebody will not wait: nothing is held for anybody's sake any more."""
        self.replaced = False
        """A successor listens on the same port already, so that people need not be sent to another server."""
        self.on_hangup: Callable[[], None] = self.ask
        """What SIGHUP means. Who replaces its children by new ones says so here."""
        self._asked_s = 0.0

    def ask(self) -> None:
        """Stop in order; said again: stop at once."""
        if self.is_set():
            self.at_once.set()
        self.ask_once()

    def ask_once(self) -> None:
        """Stop in order, however often it is said."""
        if not self.is_set():
            self._asked_s = asyncio.get_running_loop().time()
            self.set()

    def ask_at_once(self) -> None:
        """Stop, and wait for nobody."""
        self.at_once.set()
        self.ask_once()

    def replace(self) -> None:
        """Stop in order: the successor is there."""
        self.replaced = self.replaced or not self.is_set()
        self.ask_once()

    def hang_up(self) -> None:
        """SIGHUP came."""
        self.on_hangup()

    def left_s(self, grace_ms: int) -> float:
        """What is left of the time for stopping; none if somebody will not wait."""
        if self.at_once.is_set():
            return 0.0
        if not self.is_set():
            return grace_ms / 1000
        return max(0.0, self._asked_s + grace_ms / 1000 - asyncio.get_running_loop().time())

    async def hurried(self, within_s: float) -> bool:
        """Waits so long, unless somebody will not; whether that is so."""
        try:
            async with asyncio.timeout(within_s):
                await self.at_once.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def stop_signals(*, child: bool = False, rolls: bool = False) -> AsyncGenerator[Stop]:
    """Signals as a `Stop` while the block runs.

    SIGTERM and SIGINT stop in order, the second time at once; SIGHUP does what `on_hangup` says, unless it is ignored
    (nohup) and the process does not roll. A child of ours is told plainly what its parent wants: SIGTERM to stop, however
    often, for service managers signal all processes beside its parent; SIGINT to stop at once; SIGHUP that it was replaced.
    """
    loop, stop = asyncio.get_running_loop(), Stop()
    wishes: dict[signal.Signals, Callable[[], None]]
    if child:
        wishes = {signal.SIGTERM: stop.ask_once, signal.SIGINT: stop.ask_at_once, signal.SIGHUP: stop.replace}
    else:
        wishes = {signal.SIGTERM: stop.ask, signal.SIGINT: stop.ask}
        if rolls or signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            wishes[signal.SIGHUP] = stop.hang_up
    for number, wish in wishes.items():
        loop.add_signal_handler(number, wish)
    try:
        yield stop
    finally:
        for number in wishes:
            loop.remove_signal_handler(number)
