"""`liveserver restore FILE`: a backup brought back, compared to the row, and every show recomputed from its log."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import click
import msgspec
from redis.exceptions import RedisError

from liveserver.backup.archive import MEDIA, Archive, opened
from liveserver.backup.manifest import Manifest
from liveserver.backup.restore import (
    Proof,
    prove,
    refuse_newer,
    refuse_taken_media,
    restore,
    restore_media,
)
from liveserver.cli.features import FEATURES
from liveserver.cli.logs import holds_logs
from liveserver.cli.recompute import verify
from liveserver.cli.say import EXIT_FAILED, fail, progress, warn
from liveserver.config import load
from liveserver.infra.database import Pool, open_pool, where_of
from liveserver.infra.engines import default_data_dir
from liveserver.infra.engines.embedded import embedded
from liveserver.infra.shards import Shards
from liveserver.kernel.errors import Mendable

NO_REDIS = "redis://127.0.0.1:1"
"""An address that nobody asks: engines are started without Valkey, for restoring needs none."""
WRONG_MAX = 20
"""Differences printed; after so many the rest is more of the same."""


def run(
    file: str, *, into_url: str | None, data_dir: str | None, prove: bool, postgres_bin: str | None, form: str
) -> None:
    """Restores, or only proves; exits with 1 when something differs."""
    source, bin_dir = Path(file).absolute(), Path(postgres_bin) if postgres_bin else None
    if into_url is not None and data_dir is not None:
        raise Mendable("There are two targets", "--into-url, --data-dir", "Name one of them.")
    work = proven(source, bin_dir) if prove else _restored(source, into_url, data_dir, bin_dir)
    proof = asyncio.run(work)
    if form == "json":
        click.echo(json.dumps(msgspec.to_builtins(proof), indent=2))
    else:
        print_proof(proof)
    if not proof.ok:
        if not prove:
            fail("Do not start a server on it", mend="Empty the target, and restore another backup.")
        sys.exit(EXIT_FAILED)
    if not prove:
        progress("start the server with this target: each show's log is opened anew from the record")


async def proven(source: Path, bin_dir: Path | None) -> Proof:
    """Restores into scratch engines that are thrown away, and compares. Raises Mendable for a bad archive."""
    with opened(source, progress) as archive, tempfile.TemporaryDirectory(prefix="ls-prove-") as scratch:
        refuse_newer(archive.manifest, source)
        # The engines' user passes through, where that is another one.
        Path(scratch).chmod(0o711)  # noqa: ASYNC240 - one call; nobody can list it
        async with _own_postgres(Path(scratch) / "data") as (pool, dsn):
            await restore(archive, pool, dsn, on_progress=progress, bin_dir=bin_dir)
            return await compared(archive.manifest, pool, dsn)


async def _restored(source: Path, into_url: str | None, data_dir: str | None, bin_dir: Path | None) -> Proof:
    named = {"data_dir": data_dir, "database_url": "" if data_dir is not None else into_url}
    settings = load(named).settings
    folder = (Path(settings.data_dir) if settings.data_dir else default_data_dir()).expanduser().absolute()
    with opened(source, progress) as archive:
        # Everything about the archive first: a data directory is made by looking into it.
        refuse_newer(archive.manifest, source)
        refuse_taken_media(archive, folder / MEDIA)
        if settings.database_url:
            pool = await open_pool(settings.database_url, application="liveserver restore")
            try:
                proof = await _into(archive, pool, settings.database_url, folder, bin_dir)
            finally:
                await pool.close()
        else:
            _refuse_old_logs(folder)
            async with _own_postgres(folder) as (pool, dsn):
                proof = await _into(archive, pool, dsn, folder, bin_dir)
        _say_settings(archive.manifest)
    if settings.redis_url and data_dir is None:
        await _warn_of_logs(settings.redis_url)
    return proof


async def _into(archive: Archive, pool: Pool, dsn: str, folder: Path, bin_dir: Path | None) -> Proof:
    await restore(archive, pool, dsn, on_progress=progress, bin_dir=bin_dir)
    copied = restore_media(archive, folder / MEDIA)
    if copied:
        progress(f"{copied} media files in {folder / MEDIA}")
    return await compared(archive.manifest, pool, dsn)


async def compared(about: Manifest, pool: Pool, dsn: str) -> Proof:
    """The proof of a target that was just filled. Raises Mendable when it cannot be had, and says how the target stands."""
    filled = "The database is filled, but nobody has compared it: empty it and begin again, or run liveserver verify on its shows."
    try:
        return await prove(about, pool, verified, progress)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Mendable(f"The copy cannot be compared: {error!r}", where_of(dsn), filled) from error
    except asyncio.CancelledError:
        fail("Interrupted while comparing", where_of(dsn), filled)
        raise


@asynccontextmanager
async def _own_postgres(data_dir: Path) -> AsyncGenerator[tuple[Pool, str]]:
    """PostgreSQL of our own on a data directory, which may be new; without Valkey."""
    async with embedded(data_dir, redis_url=NO_REDIS, on_progress=progress) as engines:
        pool = await open_pool(engines.database_url, application="liveserver restore")
        try:
            yield pool, engines.database_url
        finally:
            await pool.close()


def _refuse_old_logs(data_dir: Path) -> None:
    if (data_dir / "valkey").exists():
        raise Mendable(
            "The data directory is not empty: it has a Valkey's data",
            str(data_dir),
            "Restore into a new one. Logs of another past would contradict the restored record.",
        )


async def _warn_of_logs(redis_url: str) -> None:
    try:
        shards = await Shards.connect(redis_url, lanes=0)
        try:
            if await holds_logs(shards) is not None:
                warn(
                    "Redis (LIVESERVER_REDIS_URL) has logs of shows. Those that go on from the restored record are gone on with, with what "
                    "they have more; others are refused when the show is opened (docs/operating/backup.md)"
                )
        finally:
            await shards.aclose()
    except (Mendable, RedisError, OSError) as error:
        warn(f"Redis cannot be asked whether it has logs: {error}")


def _say_settings(about: Manifest) -> None:
    if about.settings:
        progress("the saved server had these settings besides the defaults (tar -xOf FILE manifest.json):")
        for name in about.settings:
            progress(f"  {name}")
    if about.secrets_left_out:
        progress(f"and these secrets, which are not in the archive: {', '.join(about.secrets_left_out)}")


async def verified(pool: Pool, show: str) -> str:
    """Whether the show's record follows from its log: "" or what differs."""
    report = await verify(pool, show, FEATURES)
    return (
        "" if report.difference is None else f"differs at {report.difference.seq}: {report.difference.what}"
    )


def print_proof(proof: Proof) -> None:
    """For people: what was compared, and what differs."""
    text = f"{proof.tables} tables with {proof.rows} rows, {proof.shows} shows recomputed from their logs"
    if proof.ok:
        click.echo(f"{click.style('✓', fg='green', bold=True)} proven: {text}, all as saved")
        return
    fail(f"the copy is not what was saved ({text}):")
    for line in proof.wrong[:WRONG_MAX]:
        click.echo(f"  {line}", err=True)
    if len(proof.wrong) > WRONG_MAX:
        click.echo(f"  and {len(proof.wrong) - WRONG_MAX} more", err=True)
