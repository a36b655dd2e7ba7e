"""Brings an archive back into an empty database, and proves that what came back is what was saved.

It never touches a database that holds anything. The proof is the caller's as well: which shows follow from their logs.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath

import msgspec

from liveserver.backup import manifest, tools
from liveserver.backup.archive import CHUNK_BYTES, DATABASE, MEDIA, Archive, Progress
from liveserver.backup.manifest import Manifest
from liveserver.infra.database import Pool, transaction, where_of
from liveserver.infra.migrations import known_migrations, migrate
from liveserver.kernel.errors import Mendable

Verify = Callable[[Pool, str], Awaitable[str]]
"""Recomputes a show from its log: "" when its record follows from it, else what differs."""

ENCODING = "UTF8"
"""People's names and words are in every script."""


class Proof(msgspec.Struct):
    """What was compared after restoring."""

    ok: bool
    tables: int
    rows: int
    shows: int
    wrong: list[str]


def refuse_newer(about: Manifest, source: Path) -> None:
    """Raises Mendable when a newer release than this one has made the archive's tables."""
    known = {f"{migration.number:04}_{migration.name}" for migration in known_migrations()}
    newer = [name for name in about.migrations if name not in known]
    if newer:
        raise Mendable(
            f"The archive is of a newer release ({about.release}): this one does not know {newer[0]}",
            str(source),
            "Restore it with that release or a later one.",
        )


async def target_problems(pool: Pool, dsn: str, postgres: str) -> list[Mendable]:
    """What forbids to fill this database with what a PostgreSQL of that version dumped; empty when all is well."""
    problems: list[Mendable] = []
    async with pool.acquire() as connection:
        tables = await manifest.table_names(connection)
        version = str(await connection.fetchval("SHOW server_version"))
        encoding = await connection.fetchval("SHOW server_encoding")
        allowed = await connection.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
    if tables:
        problems.append(
            Mendable(
                f"The database is not empty: it has {len(tables)} tables ({', '.join(tables[:3])}…)",
                where_of(dsn),
                "Use an empty database or a new data directory. This command never overwrites one.",
            )
        )
    if _major(version) < _major(postgres):
        # "pg_dump output … into an older server": https://www.postgresql.org/docs/18/app-pgdump.html, Notes
        problems.append(
            Mendable(
                f"PostgreSQL {version} is older than the {postgres} of the saved one",
                where_of(dsn),
                "PostgreSQL's dumps are promised to load into the same or a newer version only: use such a server.",
            )
        )
    if encoding != ENCODING:
        problems.append(
            Mendable(
                f"The database keeps text as {encoding}",
                where_of(dsn),
                f"CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0",
            )
        )
    if not allowed:
        problems.append(
            Mendable(
                "This user may not create tables there",
                where_of(dsn),
                "GRANT CREATE ON SCHEMA public, or make the user the database's owner.",
            )
        )
    return problems


def _major(version: str) -> int:
    return int(version.partition(".")[0])


async def restore(
    archive: Archive, pool: Pool, dsn: str, *, on_progress: Progress, bin_dir: Path | None = None
) -> None:
    """Fills the empty database. Raises Mendable; then it is as empty as before."""
    for problem in await target_problems(pool, dsn, archive.manifest.postgres):
        raise problem
    on_progress("restoring the database")
    with archive.read(DATABASE) as dump:
        await tools.load(dsn, dump, on_progress, bin_dir)


def refuse_taken_media(archive: Archive, folder: Path) -> None:
    """Raises Mendable when one of the archive's media files is there already."""
    for name in archive.media():
        if _place(folder, name).exists():
            raise Mendable(
                "This file is there already", str(_place(folder, name)), "Restore into a new data directory."
            )


def restore_media(archive: Archive, folder: Path) -> int:
    """Writes the archive's media files; how many. Raises Mendable when one of them is there already, or the disk is full."""
    refuse_taken_media(archive, folder)
    try:
        for name in archive.media():
            place = _place(folder, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.read(str(name)) as saved, place.open("xb") as file:
                while chunk := saved.read(CHUNK_BYTES):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise Mendable(
            f"Media cannot be restored: {error.strerror}",
            str(error.filename or folder),
            "The database is there, but not all media: mend this, then restore into a new, empty place.",
        ) from error
    return len(archive.media())


def _place(folder: Path, name: PurePosixPath) -> Path:
    return folder / name.relative_to(MEDIA)


async def prove(about: Manifest, pool: Pool, verify: Verify, on_progress: Progress) -> Proof:
    """Holds the database against the manifest: every table, every show's chain, every show recomputed from its log.

    Of an older release's tables the comparison is made as they were; then they are brought to this release, whose rules recompute.
    """
    on_progress("comparing every table")
    async with transaction(pool, "repeatable_read") as connection:
        await connection.execute("SET LOCAL statement_timeout = 0; ANALYZE")
        found = await manifest.figures(connection)
        complete = about.tables.keys() <= found.keys()
        chains = await manifest.logs(connection) if complete else {}
    wrong = manifest.differences(about.tables, found)
    for show, saved in about.logs.items():
        now = chains.get(show)
        if now is None or (now.epoch, now.seq, now.hash) != (saved.epoch, saved.seq, saved.hash):
            wrong.append(f"the log of {show} stands elsewhere than when it was saved")
    if complete:
        await migrate(pool)
    recorded = [show for show, saved in about.logs.items() if saved.seq and show in chains]
    for number, show in enumerate(recorded, 1):
        if number % 100 == 1:
            on_progress(f"recomputing shows from their logs: {number} of {len(recorded)}")
        differs = await verify(pool, show)
        if differs:
            wrong.append(f"{show}: {differs}")
    return Proof(not wrong, len(found), sum(table.rows for table in found.values()), len(recorded), wrong)
