"""`liveserver migrate`: brings the database to this release's tables, also beside a running server (files only add)."""

import asyncio
from pathlib import Path

import click

from liveserver.cli.say import progress
from liveserver.config import load
from liveserver.infra.engines.attach import reachable
from liveserver.infra.migrations import Migration, migrate


def run() -> None:
    """Applies what is missing and says what that was. Raises Mendable when it can't."""
    applied = asyncio.run(_apply())
    for migration in applied:
        click.echo(f"applied {migration.number:04}_{migration.name}")
    click.echo(f"{len(applied)} applied; the database has this release's tables.")


async def _apply() -> list[Migration]:
    settings = load().settings
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        return await migrate(engines.database_url)
