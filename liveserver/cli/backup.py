"""`liveserver backup FILE`: one archive of a running or stopped server, and on request the proof that it comes back."""

import asyncio
import json
import sys
from pathlib import Path

import click
import msgspec
from redis.exceptions import RedisError

from liveserver.backup.archive import MEDIA
from liveserver.backup.make import AWAY, make
from liveserver.backup.manifest import Manifest
from liveserver.cli.logs import record_rest
from liveserver.cli.restore import print_proof, proven
from liveserver.cli.say import EXIT_FAILED, progress, warn
from liveserver.config import Settings, load
from liveserver.config.settings import SETTINGS
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines, default_data_dir
from liveserver.infra.engines.attach import reachable
from liveserver.infra.migrations import pending
from liveserver.infra.shards import Shards
from liveserver.infra.telemetry import set_up_logging
from liveserver.kernel.errors import Mendable

SHOWS_PRINTED_MAX = 50
"""Live shows named for people; the archive's manifest and --format json have all."""


def run(
    file: str,
    *,
    data_dir: str | None,
    prove: bool,
    wait_s: float,
    with_secrets: bool,
    postgres_bin: str | None,
    form: str,
) -> None:
    """Makes the archive and says what is in it; exits with 1 when the proof finds a difference."""
    bin_dir = Path(postgres_bin) if postgres_bin else None
    target, settings = Path(file).absolute(), settings_for(data_dir)
    set_up_logging("warning")
    about = asyncio.run(_make(target, settings, wait_s, with_secrets, bin_dir))
    if form == "table":
        _print(target, about)
    proof = asyncio.run(proven(target, bin_dir)) if prove else None
    if form == "json":
        click.echo(json.dumps(_document(target, about) | {"proof": msgspec.to_builtins(proof)}, indent=2))
    elif proof is not None:
        print_proof(proof)
    if proof is not None and not proof.ok:
        sys.exit(EXIT_FAILED)


def settings_for(data_dir: str | None) -> Settings:
    """The settings, or those of a server with engines of its own in this folder. Raises Problem when they are wrong."""
    if data_dir is None:
        return load().settings
    return load({"data_dir": data_dir, "database_url": "", "redis_url": ""}).settings


def data_dir_of(settings: Settings) -> Path:
    """Where the server's files are."""
    return (Path(settings.data_dir) if settings.data_dir else default_data_dir()).expanduser().absolute()


def refuse_nothing(data_dir: Path) -> None:
    """Raises Mendable when there is no database in the folder: one would be made, and be empty."""
    if not (data_dir / "postgres").is_dir():
        raise Mendable(
            "There is no server's data",
            str(data_dir),
            "Name the right folder with --data-dir or LIVESERVER_DATA_DIR, or the database with LIVESERVER_DATABASE_URL.",
        )


async def _make(
    target: Path, settings: Settings, wait_s: float, with_secrets: bool, bin_dir: Path | None
) -> Manifest:
    data_dir = data_dir_of(settings)
    if not settings.database_url:
        refuse_nothing(data_dir)
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        pool = await open_pool(engines.database_url, application="liveserver backup")
        shards = await _shards(engines)
        try:
            if shards is not None:
                await _record_if_nobody_else_does(settings, engines, pool, shards)
            told, secret = _told(settings, with_secrets)
            return await make(
                target,
                pool,
                engines.database_url,
                shards,
                told,
                secret,
                data_dir / MEDIA,
                on_progress=progress,
                wait_s=wait_s,
                bin_dir=bin_dir,
            )
        finally:
            if shards is not None:
                await shards.aclose()
            await pool.close()


async def _shards(engines: Engines) -> Shards | None:
    try:
        return await Shards.connect(engines.redis_url)
    except (Mendable, RedisError, OSError) as error:
        warn(f"Redis is away ({error}): the archive has what is recorded in PostgreSQL")
        return None


async def _record_if_nobody_else_does(
    settings: Settings, engines: Engines, pool: Pool, shards: Shards
) -> None:
    """A server that was killed has left commands in its Valkey alone; with both engines started by us, there is nobody who
    would record them while we wait."""
    ours = len(engines.running) == len(("PostgreSQL", "Valkey"))
    if not ours or await pending(pool):
        return  # an older release's tables are its own to write
    try:
        await record_rest(settings, pool, shards)
    except AWAY as error:
        warn(f"Valkey cannot be asked what it still has: {error}")


def _told(settings: Settings, with_secrets: bool) -> tuple[dict[str, str], list[str]]:
    """Settings that are not at their default, and the names of secrets that are set and left out."""
    told: dict[str, str] = {}
    secret: list[str] = []
    for name, about in SETTINGS.items():
        value = getattr(settings, name)
        if value == getattr(Settings(), name):
            continue
        if not about.secret and about.form != "url":
            told[about.env] = about.show(value)
        elif with_secrets:
            told[about.env] = str(value)
        else:
            secret.append(about.env)
    return told, secret


def _print(target: Path, about: Manifest) -> None:
    rows = sum(table.rows for table in about.tables.values())
    megabytes = target.stat().st_size / 1e6
    click.echo(
        f"{target}: {megabytes:.1f} MB, {len(about.tables)} tables with {rows} rows, {len(about.logs)} shows"
    )
    live = [(show, log) for show, log in about.logs.items() if log.live]
    for show, log in live[:SHOWS_PRINTED_MAX]:
        lacking = f", {log.unrecorded} commands after it are not in the archive" if log.unrecorded else ""
        click.echo(f"  live: {show} up to {log.seq} of epoch {log.epoch}{lacking}")
    if len(live) > SHOWS_PRINTED_MAX:
        click.echo(f"  and {len(live) - SHOWS_PRINTED_MAX} more that are live")
    if about.secrets_left_out:
        warn(f"secrets are yours to keep, and not in it: {', '.join(about.secrets_left_out)}")


def _document(target: Path, about: Manifest) -> dict[str, object]:
    return {
        "file": str(target),
        "bytes": target.stat().st_size,
        "tables": len(about.tables),
        "rows": sum(table.rows for table in about.tables.values()),
        "shows": len(about.logs),
        "live": [
            {"show": show, "epoch": log.epoch, "seq": log.seq, "unrecorded": log.unrecorded}
            for show, log in about.logs.items()
            if log.live
        ],
        "unrecorded": sum(log.unrecorded for log in about.logs.values()),
        "secrets_left_out": list(about.secrets_left_out),
    }
