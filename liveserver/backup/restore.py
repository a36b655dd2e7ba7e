"""Brings an archive back into an empty database, and proves that what came back is what was saved.

It never touches a database that holds anything. The proof is the caller's as well: which shows follow from their logs.
"""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from liveserver.backup import archive, manifest, tools
from liveserver.backup.archive import Progress
from liveserver.backup.manifest import Manifest
from liveserver.infra.database import Pool, where_of
from liveserver.infra.migrations import known_migrations
from liveserver.kernel.errors import Mendable

Verify = Callable[[Pool, str], Awaitable[str]]
"""Recomputes a show from its log: "" when its record follows from it, else what differs."""


class Proof(msgspec.Struct):
    """What was compared after restoring."""

    tables: int
    rows: int
    shows: int
    wrong: list[str]

    @property
    def ok(self) -> bool:
        return not self.wrong


def unpacked(source: Path, folder: Path, on_progress: Progress) -> Manifest:
    """The archive's manifest, with its files laid out in the folder. Raises Mendable for a bad one, or one that a newer
    release has made."""
    about = archive.read(source, folder, on_progress)
    known = {f"{migration.number:04}_{migration.name}" for migration in known_migrations()}
    newer = [name for name in about.migrations if name not in known]
    if newer:
        raise Mendable(
            f"The archive is of a newer release ({about.release}): this one does not know {newer[0]}",
            str(source),
            "Restore it with that release or a later one.",
        )
    return about


async def refuse_unless_empty(pool: Pool, dsn: str) -> None:
    """Raises Mendable when there is anything in the database."""
    async with pool.acquire() as connection:
        tables = await manifest.table_names(connection)
    if tables:
        raise Mendable(
            f"The database is not empty: it has {len(tables)} tables ({', '.join(tables[:3])}…)",
            where_of(dsn),
            "Restore into an empty database or a new data directory. This command never overwrites one.",
        )


async def restore(
    folder: Path, about: Manifest, pool: Pool, dsn: str, *, on_progress: Progress, bin_dir: Path | None = None
) -> None:
    """Fills the empty database. Raises Mendable; then it is as empty as before."""
    await refuse_unless_empty(pool, dsn)
    on_progress("restoring the database")
    await tools.load(dsn, folder / archive.DATABASE, bin_dir)
    await pool.execute("ANALYZE", timeout=3_600)


def restore_media(folder: Path, target: Path) -> int:
    """Copies the archive's other files; how many. Raises Mendable when one of them is there already."""
    source = folder / "media"
    copied = 0
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        place = target / path.relative_to(source)
        if path.is_dir():
            continue
        if place.exists():
            raise Mendable("This file is there already", str(place), "Restore into a new data directory.")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        copied += 1
    return copied


async def prove(about: Manifest, pool: Pool, verify: Verify, on_progress: Progress) -> Proof:
    """Holds the database against the manifest: every table, every show's chain, every show recomputed from its log."""
    on_progress("comparing every table")
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        found = await manifest.figures(connection)
        chains = await manifest.logs(connection)
        await connection.execute("RESET statement_timeout")
    wrong = manifest.differences(about.tables, found)
    for show, saved in about.logs.items():
        now = chains.get(show)
        if now is None or (now.epoch, now.seq, now.hash) != (saved.epoch, saved.seq, saved.hash):
            wrong.append(f"the log of {show} stands elsewhere than when it was saved")
    recorded = [show for show, saved in about.logs.items() if saved.seq]
    for number, show in enumerate(recorded, 1):
        if number % 100 == 1:
            on_progress(f"recomputing shows from their logs: {number} of {len(recorded)}")
        differs = await verify(pool, show)
        if differs:
            wrong.append(f"{show}: {differs}")
    return Proof(len(found), sum(table.rows for table in found.values()), len(recorded), wrong)
