"""`liveserver backup FILE`: one archive of a running or stopped server, and on request the proof that it comes back."""

import asyncio
import sys
from pathlib import Path

import click
from redis.exceptions import RedisError

from liveserver.backup.make import make
from liveserver.backup.manifest import Manifest
from liveserver.cli.restore import print_proof, proven
from liveserver.cli.say import EXIT_FAILED, progress, warn
from liveserver.config import Settings, load
from liveserver.config.settings import SETTINGS
from liveserver.infra.database import open_pool
from liveserver.infra.engines import Engines, default_data_dir
from liveserver.infra.engines.attach import reachable
from liveserver.infra.shards import Shards
from liveserver.kernel.errors import Mendable

MEDIA = "media"
"""The folder of the data directory that holds files of ours, beside the engines' own."""


def run(file: str, *, prove: bool, wait_s: float, postgres_bin: str | None) -> None:
    """Makes the archive and says what is in it; exits with 1 when the proof finds a difference."""
    bin_dir = Path(postgres_bin) if postgres_bin else None
    target = Path(file).absolute()
    about = asyncio.run(_make(target, wait_s, bin_dir))
    rows = sum(table.rows for table in about.tables.values())
    megabytes = target.stat().st_size / 1e6
    click.echo(
        f"{target}: {megabytes:.1f} MB, {len(about.tables)} tables with {rows} rows, {len(about.logs)} shows"
    )
    if about.secrets_left_out:
        warn(f"secrets are yours to keep, and not in it: {', '.join(about.secrets_left_out)}")
    if prove:
        proof = asyncio.run(proven(target, bin_dir))
        print_proof(proof)
        if not proof.ok:
            sys.exit(EXIT_FAILED)


async def _make(target: Path, wait_s: float, bin_dir: Path | None) -> Manifest:
    settings = load().settings
    data_dir = data_dir_of(settings)
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        pool = await open_pool(engines.database_url, application="liveserver backup", connections_max=2)
        shards = await _shards(engines)
        try:
            told, secret = _told(settings)
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


def data_dir_of(settings: Settings) -> Path:
    """Where the server's files are."""
    return (Path(settings.data_dir) if settings.data_dir else default_data_dir()).expanduser().absolute()


async def _shards(engines: Engines) -> Shards | None:
    try:
        return await Shards.connect(engines.redis_url, lanes=1)
    except (Mendable, RedisError, OSError) as error:
        warn(f"Redis is away ({error}): the archive has what is recorded in PostgreSQL")
        return None


def _told(settings: Settings) -> tuple[dict[str, str], list[str]]:
    """Settings that are not at their default, and the names of secrets that are set."""
    told: dict[str, str] = {}
    secret: list[str] = []
    for name, about in SETTINGS.items():
        value = getattr(settings, name)
        if value == getattr(Settings(), name):
            continue
        variable = f"LIVESERVER_{name.upper()}"
        if about.secret or about.form == "url":
            secret.append(variable)
        else:
            told[variable] = about.show(value)
    return told, secret
