"""`liveserver serve`: engines, then one node in this process or several in children, until a signal or a failure.

The port is taken first, so that a wrong one is told at once; engines are stopped last, so that everything is recorded.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from liveserver.cli.compose import prepare_database, running_node
from liveserver.cli.ports import listen
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals
from liveserver.cli.say import EXIT_FAILED, fail, progress, warn
from liveserver.config import Loaded, Settings, load
from liveserver.infra.engines import Engines, default_data_dir, embedded


def run(flags: Mapping[str, Any]) -> None:
    """Serves until stopped. Raises Problem or Mendable when it can't start; exits with 1 when something gave up."""
    loaded = load(flags)
    prepare_process(loaded.settings)
    for stray in loaded.unknown:
        warn(str(stray))
    sys.exit(run_in_loop(serve(loaded)))


async def serve(loaded: Loaded) -> int:
    """Engines and nodes; the exit code."""
    settings = loaded.settings
    async with stop_signals() as stop:
        if settings.unlimited:
            warn("rate limits are lifted (--unlimited): for load tests on this machine only")
        with listen(settings.host, settings.port) as listener:
            async with engines_of(settings) as engines:
                if settings.workers == 1:
                    return await _one(settings, engines, listener, stop)
                # Held until here so that nobody else takes the port meanwhile; workers share it in another way.
                listener.close()
                from liveserver.cli.workers import supervise

                return await supervise(settings, engines, stop)


async def _one(settings: Settings, engines: Engines, listener: socket.socket, stop: asyncio.Event) -> int:
    await prepare_database(engines, progress)
    async with running_node(settings, engines, listener) as node:
        say_ready(node.origin)
        return await until_stopped(engines, stop)


@asynccontextmanager
async def engines_of(settings: Settings) -> AsyncGenerator[Engines]:
    """The engines that the settings name, started here where they name none."""
    data_dir = Path(settings.data_dir) if settings.data_dir else default_data_dir()
    own = [
        name
        for name, url in (("PostgreSQL", settings.database_url), ("Valkey", settings.redis_url))
        if not url
    ]
    if own:
        progress(f"starting {' and '.join(own)} in {data_dir}")
    async with embedded(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        yield engines
        if own:
            progress(f"stopping {' and '.join(own)}")


def say_ready(origin: str) -> None:
    """The line that people and scripts wait for; on stdout."""
    click.echo(f"liveserver is ready at {origin}")
    sys.stdout.flush()


async def until_stopped(engines: Engines, stop: asyncio.Event) -> int:
    """Waits for the wish to stop (0), or for an engine that was given up (1)."""
    asked = asyncio.create_task(stop.wait())
    failure = asyncio.create_task(engines.failure())
    try:
        await asyncio.wait({asked, failure}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            error = failure.result()
            fail(error.what, error.where, error.mend)
            return EXIT_FAILED
        progress("stopping: viewers are sent elsewhere, open work is finished")
        return 0
    finally:
        for task in (asked, failure):
            task.cancel()
        await asyncio.gather(asked, failure, return_exceptions=True)
