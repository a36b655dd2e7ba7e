"""`liveserver engines move`: from the server's own PostgreSQL and Valkey to external ones, checked before and after.

The record is copied; logs are not: what only Valkey has is recorded first, and the next start opens each log anew. The old data
directory is kept, so the way back is to start with the old settings.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
from redis.exceptions import RedisError

from liveserver.backup import tools
from liveserver.backup.make import snapshot
from liveserver.backup.manifest import NOT_KEPT, described
from liveserver.backup.restore import Proof, target_problems
from liveserver.cli.backup import data_dir_of, refuse_nothing
from liveserver.cli.checks import CHECKS
from liveserver.cli.checks.model import Finding, Site
from liveserver.cli.doctor import findings
from liveserver.cli.logs import holds_logs, record_rest
from liveserver.cli.restore import compared, print_proof
from liveserver.cli.say import EXIT_FAILED, fail, progress, warn
from liveserver.config import Loaded, load
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines
from liveserver.infra.engines.attach import running_engines
from liveserver.infra.engines.embedded import embedded
from liveserver.infra.migrations import pending
from liveserver.infra.shards import Shards
from liveserver.infra.telemetry import set_up_logging
from liveserver.kernel.errors import Mendable

TARGET_CHECKS = ("postgresql", "redis", "redis-rights", "redis-replicas", "clocks")
"""Those of `liveserver doctor` that the new engines must pass."""
COPY_MB_S = 5
"""For the estimate: megabytes a second on a small machine, tables with indexes, comparing and recomputing included."""


class Copied(msgspec.Struct):
    """A table that is, or would be, copied."""

    table: str
    rows: int
    bytes: int


class Moved(msgspec.Struct):
    """What was found and done. `proof` is None when nothing was copied."""

    problems: list[str]
    tables: list[Copied]
    bytes: int
    estimate_s: int
    proof: Proof | None = None
    settings: dict[str, str] = {}


def run(
    to_database_url: str, to_redis_url: str, *, dry_run: bool, postgres_bin: str | None, form: str
) -> None:
    """Moves, or says what would be moved; exits with 1 when the targets are not fit or the copy differs."""
    bin_dir = Path(postgres_bin) if postgres_bin else None
    loaded = load()
    set_up_logging("warning")
    moved = asyncio.run(_move(loaded, Engines(to_database_url, to_redis_url), dry_run, bin_dir))
    if form == "json":
        click.echo(json.dumps(msgspec.to_builtins(moved), indent=2))
    else:
        _print(moved)
    if moved.problems or (moved.proof is not None and not moved.proof.ok):
        sys.exit(EXIT_FAILED)


async def _move(loaded: Loaded, to: Engines, dry_run: bool, bin_dir: Path | None) -> Moved:
    data_dir = data_dir_of(loaded.settings)
    _refuse_source(loaded, data_dir)
    tools.require(bin_dir)
    async with embedded(data_dir, on_progress=progress) as engines:
        source = await open_pool(engines.database_url, application="liveserver move")
        shards = await Shards.connect(engines.redis_url)
        try:
            if await pending(source):
                raise Mendable(
                    "The data is of an older release",
                    str(data_dir),
                    "Start the server once with this release, then move.",
                )
            moved = await _plan(source)
            moved.problems = await _problems(
                loaded, data_dir, to, await source.fetchval("SHOW server_version")
            )
            if dry_run or moved.problems:
                return moved
            await record_rest(loaded.settings, source, shards)
            moved.proof = await _copied(source, engines.database_url, to.database_url, bin_dir)
            moved.settings = {
                "LIVESERVER_DATABASE_URL": to.database_url,
                "LIVESERVER_REDIS_URL": to.redis_url,
            }
            return moved
        finally:
            await shards.aclose()
            await source.close()


def _refuse_source(loaded: Loaded, data_dir: Path) -> None:
    if loaded.settings.database_url or loaded.settings.redis_url:
        raise Mendable(
            "This server's engines are external already",
            "LIVESERVER_DATABASE_URL, LIVESERVER_REDIS_URL",
            "This command moves from its own engines; leave these settings away.",
        )
    refuse_nothing(data_dir)
    if running_engines(data_dir) is not None:
        pid = (data_dir / "lock").read_text().strip() or "unknown"
        raise Mendable(
            f"The server is running (pid {pid})",
            str(data_dir),
            "Stop it first: what it took meanwhile would be missed.",
        )


async def _plan(source: Pool) -> Moved:
    rows = await source.fetch(
        "SELECT relname, greatest(n_live_tup, 0) AS rows, pg_total_relation_size(relid) AS bytes "
        "FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 3 DESC, 1"
    )
    tables = [Copied(row["relname"], row["rows"], row["bytes"]) for row in rows]
    size = sum(table.bytes for table in tables)
    return Moved([], tables, size, 1 + size // (COPY_MB_S * 1_000_000))


async def _problems(loaded: Loaded, data_dir: Path, to: Engines, postgres: str) -> list[str]:
    """Why the targets are not fit, in words; empty when they are. Warnings are told at once."""
    settings = replace(loaded.settings, database_url=to.database_url, redis_url=to.redis_url)
    site = Site(replace(loaded, settings=settings), data_dir, to)
    found = [
        finding for check in CHECKS if check.name in TARGET_CHECKS for finding in await findings(check, site)
    ]
    for finding in found:
        if finding.status == "warn":
            warn(f"{finding.what}\n  → {finding.mend}")
    problems = [_words(finding) for finding in found if finding.status == "fail"]
    try:
        target = await open_pool(to.database_url, application="liveserver move", connections_max=2)
        try:
            problems += [
                f"{wrong.what} ({wrong.where})\n  → {wrong.mend}"
                for wrong in await target_problems(target, to.database_url, postgres)
            ]
        finally:
            await target.close()
        shards = await Shards.connect(to.redis_url, lanes=0)
        try:
            if await holds_logs(shards) is not None:
                problems.append(
                    "This Redis holds logs of a liveserver already\n  → Use an empty one: another installation's logs would be taken "
                    "for this one's."
                )
        finally:
            await shards.aclose()
    except (Mendable, RedisError, OSError) as error:
        # The checks have said the same already, with the way to mend it.
        if not problems:
            problems.append(str(error))
    return problems


def _words(finding: Finding) -> str:
    return f"{finding.what}\n  → {finding.mend}"


async def _copied(source: Pool, source_dsn: str, dsn: str, bin_dir: Path | None) -> Proof:
    target = await open_pool(dsn, application="liveserver move")
    try:
        async with snapshot(source) as (connection, name):
            progress("reading every table")
            about = await described(connection, {}, [], {})
            progress("copying the database")
            await tools.copy(source_dsn, name, NOT_KEPT, dsn, progress, bin_dir)
        return await compared(about, target, dsn)
    finally:
        await target.close()


def _print(moved: Moved) -> None:
    for table in moved.tables:
        click.echo(f"{table.table:24} some {table.rows:>10} rows {table.bytes / 1e6:>10.1f} MB")
    click.echo(
        f"{len(moved.tables)} tables, {moved.bytes / 1e6:.1f} MB with their indexes: some {moved.estimate_s} s"
    )
    for problem in moved.problems:
        fail(problem)
    if moved.proof is None:
        click.echo(
            "Nothing was changed."
            if moved.problems
            else "Nothing was changed: this was a dry run. All is fit."
        )
        return
    print_proof(moved.proof)
    if not moved.proof.ok:
        fail(
            "Do not start a server on it",
            mend="Empty the target database and move again; the old one is as it was.",
        )
        return
    click.echo("Start the server with these settings from now on (and your others as before):")
    for name, value in moved.settings.items():
        click.echo(f"  {name}={_as_word(value)}")
    click.echo("To go back, start it without them: the old data directory was left as it was.")


def _as_word(value: Any) -> str:
    return f"'{value}'" if "&" in value or "?" in value else value
