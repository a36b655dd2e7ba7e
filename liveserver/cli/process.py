"""What every server process of ours does around its work: the fast loop, signals, the limit of open files, log lines.

It knows no part of the server.
"""

import asyncio
import resource
import signal
from collections.abc import AsyncGenerator, Coroutine
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
        settings.log_level, cast(Literal["auto", "console", "json"], settings.log_format), node=node
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@asynccontextmanager
async def stop_signals(*, terminal: bool = True) -> AsyncGenerator[asyncio.Event]:
    """An event that SIGTERM, and SIGINT of a terminal, set while the block runs."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT) if terminal else (signal.SIGTERM,)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
