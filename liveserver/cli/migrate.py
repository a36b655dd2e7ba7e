"""`liveserver migrate`: brings the database to this release's tables, also beside a running server.

By itself it only adds (`pre` files, as `serve` does when it starts). What an older release could not live with waits for `--post`, which looks
into the registry of nodes first. It stops no node.
"""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from liveserver.cli.say import progress
from liveserver.config import load
from liveserver.infra.database import Connection
from liveserver.infra.engines.attach import reachable
from liveserver.infra.migrations import Migration, MigrationError, known_migrations, migrate, pending
from liveserver.nodes.service import DEAD_MS, NODES_MAX, Q

NAMED_MAX = 5
"""Living nodes named in a refusal; more are counted."""


def run(*, post: bool = False, check: bool = False) -> None:
    """Applies what is missing and says what that was, or with `check` says it only. Raises Mendable when it can't."""
    if check:
        missing = asyncio.run(_pending())
        for migration in missing:
            click.echo(_told(migration))
        # What `serve` would do is what a deployment waits for; post files may wait as long as anybody likes.
        wanted = [migration for migration in missing if migration.stage == "pre" or post]
        click.echo(f"{len(missing)} pending, {len(wanted)} of them for this command; nothing was changed.")
        sys.exit(1 if wanted else 0)
    applied, waiting = asyncio.run(_apply(post=post))
    for migration in applied:
        click.echo(f"applied {migration.title}")
    click.echo(f"{len(applied)} applied; the database has this release's tables.")
    if waiting:
        click.echo(
            f"{len(waiting)} wait until no older node lives: liveserver migrate --post applies them "
            f"({', '.join(migration.title for migration in waiting)})."
        )


def _told(migration: Migration) -> str:
    if migration.stage == "pre":
        return f"pending pre  {migration.title}"
    return f"pending post {migration.title} (once every node is of release {migration.since} or newer)"


async def _pending() -> list[Migration]:
    async with _database() as url:
        return await pending(url)


async def _apply(*, post: bool) -> tuple[list[Migration], list[Migration]]:
    """What was applied, and what waits for `--post`."""
    async with _database() as url:
        applied = await migrate(url, known_migrations(), post=nobody_older if post else None)
        return applied, await pending(url)


@asynccontextmanager
async def _database() -> AsyncGenerator[str]:
    settings = load().settings
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        yield engines.database_url


async def nobody_older(connection: Connection, migration: Migration) -> None:
    """Raises MigrationError while a process lives whose release is older than the first that can live with the file."""
    rows = await connection.fetch(Q.alive, DEAD_MS, NODES_MAX)
    older = [f"{row['id']} ({row['release']})" for row in rows if older_than(row["release"], migration.since)]
    if older:
        named = ", ".join(older[:NAMED_MAX]) + (
            f" and {len(older) - NAMED_MAX} more" if older[NAMED_MAX:] else ""
        )
        raise MigrationError(
            f"Migration {migration.title} takes away what older releases need, and some of them live: {named}",
            "the registry of nodes",
            f"Bring every node to release {migration.since} or newer, then run liveserver migrate --post again.",
        )


def older_than(release: str, since: str) -> bool:
    """Whether a release comes before another; what follows its numbers ("0.2.0.dev1") makes it older than the same without."""
    return _key(release) < _key(since)


def _key(release: str) -> tuple[tuple[int, ...], bool]:
    found = re.match(r"\d+(?:\.\d+)*", release)
    numbers = found.group() if found is not None else ""
    parts = [int(part) for part in numbers.split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts), release == numbers
