"""What `serve`, its workers' parent and the demo share: engines of the settings, the line that says ready, and waiting for the end."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import Settings
from liveserver.infra.engines import Engines, default_data_dir, embedded
from liveserver.kernel.tasks import end


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
        await end(asked, failure)
