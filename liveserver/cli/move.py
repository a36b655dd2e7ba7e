"""`liveserver engines move`: from the server's own PostgreSQL and Valkey to external ones, checked before and after.

The record is copied; logs are not: what only Valkey has is recorded first, and the next start opens each log anew. The old data
directory stays as it is, so the way back is to start with the old settings.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import click
from redis.exceptions import RedisError

from liveserver.backup import archive
from liveserver.backup.make import make
from liveserver.backup.manifest import Manifest
from liveserver.backup.restore import Proof, prove, refuse_unless_empty, restore
from liveserver.cli.backup import data_dir_of
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.cli.restore import print_proof, verified
from liveserver.cli.say import EXIT_FAILED, progress
from liveserver.config import load
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import running_engines
from liveserver.infra.engines.embedded import embedded
from liveserver.infra.migrations import migrate
from liveserver.infra.redis import requirement_problems
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.hub import Hub, NoShow, RoomUnavailable
from liveserver.rooms.log import ShowLog
from liveserver.shows.service import Shows

POSTGRES_MIN = 15
"""Older ones lack what our tables use (NULLS NOT DISTINCT, MERGE and more came by then)."""
RECORD_MAX_S = 120.0
"""How long recording what is left in a show's log may take."""


def run(to_database_url: str, to_redis_url: str, *, dry_run: bool, postgres_bin: str | None) -> None:
    """Moves, or says what would be moved; exits with 1 when the copy differs."""
    proof = asyncio.run(
        _move(to_database_url, to_redis_url, dry_run, Path(postgres_bin) if postgres_bin else None)
    )
    if proof is None:
        click.echo("Nothing was changed: this was a dry run.")
        return
    print_proof(proof)
    if not proof.ok:
        sys.exit(EXIT_FAILED)
    click.echo("Start the server with these settings from now on (and your others as before):")
    click.echo(f"  LIVESERVER_DATABASE_URL={to_database_url}")
    click.echo(f"  LIVESERVER_REDIS_URL={to_redis_url}")
    click.echo("To go back, start it without them: the old data directory was left as it was.")


async def _move(database_url: str, redis_url: str, dry_run: bool, bin_dir: Path | None) -> Proof | None:
    settings = load().settings
    data_dir = data_dir_of(settings)
    if settings.database_url or settings.redis_url:
        raise Mendable(
            "This server's engines are external already",
            "LIVESERVER_DATABASE_URL, LIVESERVER_REDIS_URL",
            "This command moves from its own engines; leave these settings away.",
        )
    if running_engines(data_dir) is not None:
        raise Mendable(
            "The server is running", str(data_dir), "Stop it first: what it took meanwhile would be missed."
        )
    await _check_redis(redis_url)
    target = await open_pool(
        database_url, application="liveserver move", connections_max=2, statement_max_ms=0
    )
    try:
        await _check_database(target, database_url)
        async with embedded(data_dir, on_progress=progress) as engines:
            await migrate(engines.database_url)
            source = await open_pool(engines.database_url, connections_max=10)
            shards = await Shards.connect(engines.redis_url, lanes=1)
            try:
                await _say_what(source)
                if dry_run:
                    return None
                await _record_all(source, shards)
                with tempfile.TemporaryDirectory(prefix="move-", dir=data_dir) as folder:
                    about = await _copied(
                        Path(folder), source, engines.database_url, target, database_url, bin_dir
                    )
                return await prove(about, target, verified, progress)
            finally:
                await shards.aclose()
                await source.close()
    finally:
        await target.close()


async def _check_redis(url: str) -> None:
    shards = await Shards.connect(url, lanes=1)
    try:
        for shard in shards.all():
            for problem in await requirement_problems(shard.general):
                raise problem
            async for _key in cast("AsyncIterator[bytes]", shard.general.scan_iter("ls:*", count=1_000)):
                raise Mendable(
                    "This Redis holds keys of a liveserver already",
                    shard.address or "LIVESERVER_REDIS_URL",
                    "Use an empty one: logs of another installation would be taken for this one's.",
                )
    except (RedisError, OSError) as error:
        raise Mendable(
            f"Redis cannot be asked: {error}", "--to-redis-url", "Check address and rights."
        ) from error
    finally:
        await shards.aclose()


async def _check_database(target: Pool, dsn: str) -> None:
    version = int(await target.fetchval("SHOW server_version_num")) // 10_000
    if version < POSTGRES_MIN:
        raise Mendable(
            f"PostgreSQL {version} is too old", "--to-database-url", f"Use {POSTGRES_MIN} or newer."
        )
    await refuse_unless_empty(target, dsn)
    if not await target.fetchval("SELECT has_schema_privilege('public', 'CREATE')"):
        raise Mendable(
            "This user may not create tables there",
            "--to-database-url",
            "GRANT CREATE ON SCHEMA public, or make the user the database's owner.",
        )


async def _say_what(source: Pool) -> None:
    rows = await source.fetch(
        "SELECT relname, n_live_tup, pg_total_relation_size(relid) AS bytes FROM pg_stat_user_tables ORDER BY 3 DESC, 1"
    )
    for row in rows:
        click.echo(f"{row['relname']:24} some {row['n_live_tup']:>10} rows {row['bytes'] / 1e6:>10.1f} MB")
    click.echo(f"{len(rows)} tables, {sum(row['bytes'] for row in rows) / 1e6:.1f} MB with their indexes")


async def _record_all(source: Pool, shards: Shards) -> None:
    """Records what only Valkey has, by opening each such show's room for a moment."""
    clock = SystemClock()
    behind: list[str] = []
    for row in await source.fetch("SELECT show FROM show_logs ORDER BY show"):
        mark, head = await store.watermark(source, row["show"]), await ShowLog(row["show"], shards).head()
        assert mark is not None, "its row has just been read"
        if head.epoch and head.seq > mark.seq:
            behind.append(row["show"])
    if not behind:
        return
    progress(f"recording what is left in the logs of {len(behind)} shows")
    hub = Hub(source, shards, Shows(source, clock), FEATURES, PROJECTORS, clock)
    await hub.nodes.start()
    try:
        for show in behind:
            try:
                room = await hub.open(show)
                async with asyncio.timeout(RECORD_MAX_S):
                    while room.unrecorded:  # noqa: ASYNC110 - the recorder's progress, in real time
                        await asyncio.sleep(0.05)
            except (NoShow, RoomUnavailable, TimeoutError) as error:
                raise Mendable(
                    f"What is left in the log of {show} cannot be recorded: {error}",
                    "the embedded engines",
                    "Start the server as before and see its log; nothing was moved.",
                ) from error
    finally:
        await hub.aclose()


async def _copied(
    folder: Path, source: Pool, source_dsn: str, target: Pool, dsn: str, bin_dir: Path | None
) -> Manifest:
    made = folder / "moving.tar"
    about = await make(
        made, source, source_dsn, None, {}, [], None, on_progress=progress, wait_s=0, bin_dir=bin_dir
    )
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    archive.read(made, unpacked, progress)
    await restore(unpacked, about, target, dsn, on_progress=progress, bin_dir=bin_dir)
    return about
