"""`liveserver restore FILE`: a backup brought back, compared to the row, and every show recomputed from its log."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from liveserver.backup.manifest import Manifest
from liveserver.backup.restore import Proof, prove, refuse_unless_empty, restore, restore_media, unpacked
from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import verify
from liveserver.cli.say import EXIT_FAILED, fail, progress
from liveserver.config import load
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import default_data_dir
from liveserver.infra.engines.embedded import embedded

NO_REDIS = "redis://127.0.0.1:1"
"""An address that nobody asks: engines are started without Valkey, for restoring needs none."""
WRONG_MAX = 20
"""Differences printed; after so many the rest is more of the same."""


def run(file: str, *, prove: bool, postgres_bin: str | None) -> None:
    """Restores, or only proves; exits with 1 when something differs."""
    source, bin_dir = Path(file).absolute(), Path(postgres_bin) if postgres_bin else None
    proof = asyncio.run(proven(source, bin_dir) if prove else _restored(source, bin_dir))
    print_proof(proof)
    if not proof.ok:
        sys.exit(EXIT_FAILED)
    if not prove:
        click.echo("Start the server with the same settings: each show's log is opened anew from the record.")


async def proven(source: Path, bin_dir: Path | None) -> Proof:
    """Restores into scratch engines that are thrown away, and compares. Raises Mendable for a bad archive."""
    with tempfile.TemporaryDirectory(prefix="ls-prove-", dir="/tmp") as scratch:
        # The engines' user passes through, where that is another one.
        Path(scratch).chmod(0o711)  # noqa: ASYNC240 - one call; nobody can list it
        folder = Path(scratch) / "archive"
        folder.mkdir(mode=0o700)
        about = unpacked(source, folder, progress)
        async with _empty(Path(scratch) / "data") as (pool, dsn):
            await restore(folder, about, pool, dsn, on_progress=progress, bin_dir=bin_dir)
            return await prove(about, pool, verified, progress)


async def _restored(source: Path, bin_dir: Path | None) -> Proof:
    settings = load().settings
    data_dir = (Path(settings.data_dir) if settings.data_dir else default_data_dir()).absolute()
    if settings.database_url:
        pool = await open_pool(
            settings.database_url, application="liveserver restore", connections_max=2, statement_max_ms=0
        )
        try:
            return await _into(pool, settings.database_url, source, data_dir, bin_dir)
        finally:
            await pool.close()
    async with _empty(data_dir) as (pool, dsn):
        return await _into(pool, dsn, source, data_dir, bin_dir)


async def _into(pool: Pool, dsn: str, source: Path, data_dir: Path, bin_dir: Path | None) -> Proof:
    await refuse_unless_empty(pool, dsn)
    with tempfile.TemporaryDirectory(prefix=".liveserver-restore-", dir=source.parent) as unpacking:
        folder = Path(unpacking)
        about: Manifest = unpacked(source, folder, progress)
        await restore(folder, about, pool, dsn, on_progress=progress, bin_dir=bin_dir)
        copied = restore_media(folder, data_dir / "media")
        if copied:
            progress(f"{copied} media files")
        return await prove(about, pool, verified, progress)


@asynccontextmanager
async def _empty(data_dir: Path) -> AsyncGenerator[tuple[Pool, str]]:
    """PostgreSQL of our own on a data directory, which may be new; without Valkey."""
    async with embedded(data_dir, redis_url=NO_REDIS, on_progress=progress) as engines:
        pool = await open_pool(
            engines.database_url, application="liveserver restore", connections_max=2, statement_max_ms=0
        )
        try:
            yield pool, engines.database_url
        finally:
            await pool.close()


async def verified(pool: Pool, show: str) -> str:
    """Whether the show's record follows from its log: "" or what differs."""
    report = await verify(pool, show, FEATURES)
    return (
        "" if report.difference is None else f"differs at {report.difference.seq}: {report.difference.what}"
    )


def print_proof(proof: Proof) -> None:
    """For people: what was compared, and what differs."""
    compared = f"{proof.tables} tables with {proof.rows} rows, {proof.shows} shows recomputed from their logs"
    if proof.ok:
        click.echo(f"{click.style('✓', fg='green', bold=True)} proven: {compared}, all as saved")
        return
    fail(f"the copy is not what was saved ({compared}):")
    for line in proof.wrong[:WRONG_MAX]:
        click.echo(f"  {line}", err=True)
    if len(proof.wrong) > WRONG_MAX:
        click.echo(f"  and {len(proof.wrong) - WRONG_MAX} more", err=True)
