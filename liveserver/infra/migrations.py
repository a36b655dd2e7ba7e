"""Brings a database to this release's tables: numbered SQL files, each applied once and never changed.

It never goes back: what is wrong is mended by a later file. Two releases may run side by side, so a file is of one of two stages:
`pre`, the default, only adds, and is applied before the first node of its release starts; `post` drops and tightens, and is applied
by hand once no older node lives. Its first lines say so:

    -- stage: post
    -- since: 0.2.0

where `since` is the first release that can live with it. The files stand in `migrations/` beside this module (`0001_log.sql` …), for
all domains in one order. Who lives is not known here: the caller of `migrate` brings a `Guard` that looks.
"""

import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, TypeAlias

import asyncpg

from liveserver.infra.database import CONNECT_MAX_MS, Connection, Pool, where_of
from liveserver.infra.tracing import span
from liveserver.kernel.errors import Mendable

LOCK_KEY = 0x6C697665  # "live": every release takes the same advisory lock
LOCK_MAX_MS = 60_000
"""How long to wait for another process's migrations; additive ones take seconds."""

Stage = Literal["pre", "post"]

_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_HEADER = re.compile(r"-- stage: (?P<stage>pre|post)\n(?:-- since: (?P<since>\d+(?:\.\d+)*)\n)?")

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    since      text
)
"""
_SINCE = "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS since text"
"""For databases from before files had stages."""
_HAS_SINCE = """
SELECT count(*) FROM pg_attribute WHERE attrelid = 'schema_migrations'::regclass AND attname = 'since' AND NOT attisdropped
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `checksum` is the SHA-256 of its text, by which a change after the fact is noticed."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def stage(self) -> Stage:
        header = _HEADER.match(self.sql)
        return "post" if header is not None and header["stage"] == "post" else "pre"

    @property
    def since(self) -> str:
        """Of a `post` file: the first release that can live with it; "" of a `pre` file."""
        header = _HEADER.match(self.sql)
        return (header["since"] or "") if header is not None else ""

    @property
    def title(self) -> str:
        return f"{self.number:04}_{self.name}"


class MigrationError(Mendable):
    """The database cannot be brought to this release; nothing of the failing file was applied."""


Guard: TypeAlias = Callable[[Connection, Migration], Awaitable[None]]
"""Asked before each `post` file; raises MigrationError while somebody lives who could not live with it."""


def known_migrations(folder: Traversable | None = None) -> list[Migration]:
    """This release's files in order. Raises `ValueError` for a misnamed file, a number used twice, or a `post` file without `since`."""
    found: dict[int, Migration] = {}
    for file in (folder or files("liveserver.infra").joinpath("migrations")).iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise ValueError(f"{file.name}: migrations are named like 0001_accounts.sql")
        migration = Migration(int(match["number"]), match["name"], file.read_text(encoding="utf-8"))
        if (migration.stage == "post") != bool(migration.since):
            raise ValueError(
                f"{file.name}: a post file, and no other, says -- since: the first release that can live with it"
            )
        if migration.number in found:
            raise ValueError(f"{file.name}: the number is taken by {found[migration.number].name}")
        found[migration.number] = migration
    return [found[number] for number in sorted(found)]


async def migrate(
    database: str | Pool, migrations: Sequence[Migration] | None = None, *, post: Guard | None = None
) -> list[Migration]:
    """Apply what is missing, each file in its own transaction, and return what was applied (nothing: up to date).

    `pre` files only, unless a guard for `post` files is given; an empty database gets all of them, for nobody has lived there.
    Safe to call from many processes at once. Raises `MigrationError` when an applied file was changed, when one would
    have to be applied out of order, when a statement fails, when another process holds the lock for too long, when the guard
    refuses, or when a newer release has taken away what this one needs. Other files with higher numbers than this release knows
    are a newer release's and left alone.
    """
    wanted = known_migrations() if migrations is None else list(migrations)
    async with _connection(database) as (connection, where):
        try:
            # In a session of its own lock: two servers starting at once must not both apply a file.
            await connection.execute(f"SET lock_timeout = {LOCK_MAX_MS}; SET statement_timeout = 0")
            await connection.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        except asyncpg.LockNotAvailableError as error:
            mend = "Wait for it or end it, then run liveserver migrate."
            raise MigrationError(
                "Another process has been migrating the database for too long", where, mend
            ) from error
        try:
            return await _apply_missing(connection, wanted, where, post)
        finally:
            if not connection.is_closed():  # a closed session has given the lock back
                await connection.execute(f"SELECT pg_advisory_unlock({LOCK_KEY})")
                await connection.execute("RESET lock_timeout; RESET statement_timeout")


async def pending(database: str | Pool, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """What `migrate` would apply, `post` files included, without changing anything."""
    wanted = known_migrations() if migrations is None else list(migrations)
    async with _connection(database) as (connection, where):
        if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
            return wanted
        return _missing(await _applied(connection), wanted, where)


async def _apply_missing(
    connection: Connection, wanted: list[Migration], where: str, post: Guard | None
) -> list[Migration]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        await connection.execute(_TABLE)
    elif not await connection.fetchval(_HAS_SINCE):
        await connection.execute(_SINCE)
    applied = await _applied(connection)
    await _refuse_if_left_behind(connection, wanted, where)
    missing = _missing(applied, wanted, where)
    if applied:
        # Additive files first: a post file may rely on what they add.
        later = [] if post is None else [migration for migration in missing if migration.stage == "post"]
        missing = [migration for migration in missing if migration.stage == "pre"] + later
    for migration in missing:
        if migration.stage == "post" and post is not None:
            await post(connection, migration)
        try:
            with span("migrate", file=migration.title):
                async with connection.transaction():
                    await connection.execute(migration.sql)
                    await connection.execute(
                        "INSERT INTO schema_migrations (number, name, checksum, since) VALUES ($1, $2, $3, $4)",
                        migration.number,
                        migration.name,
                        migration.checksum,
                        migration.since or None,
                    )
        except asyncpg.PostgresError as error:
            raise MigrationError(
                f"Migration {migration.title} failed: {error}",
                where,
                "Nothing of this file was applied. Mend the cause it names, then run liveserver migrate.",
            ) from error
    return missing


async def _refuse_if_left_behind(connection: Connection, wanted: list[Migration], where: str) -> None:
    """A newer release's `pre` files harm nobody; its `post` files took away what this release still uses."""
    row = await connection.fetchrow(
        "SELECT number, name, since FROM schema_migrations WHERE since IS NOT NULL AND number <> ALL($1::int[]) "
        "ORDER BY number DESC LIMIT 1",
        [migration.number for migration in wanted],
    )
    if row is not None:
        raise MigrationError(
            f"This release is too old for the database: {row['number']:04}_{row['name']} took away what it needs",
            where,
            f"Run release {row['since']} or a newer one, or restore a backup from before.",
        )


async def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch("SELECT number, name, checksum FROM schema_migrations")
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


def _missing(applied: dict[int, tuple[str, str]], wanted: list[Migration], where: str) -> list[Migration]:
    for migration in wanted:
        name, checksum = applied.get(migration.number, (migration.name, migration.checksum))
        if (name, checksum) != (migration.name, migration.checksum):
            raise MigrationError(
                f"Migration {migration.title} differs from the one that was applied ({name})",
                where,
                "An applied file is never edited: restore it from the release that applied it, and add a new one.",
            )
    missing = [migration for migration in wanted if migration.number not in applied]
    stages: tuple[Stage, ...] = ("pre", "post")
    for stage in stages:
        # Each stage has its own order: post files wait for the last older node while newer pre files go ahead.
        ours = [migration for migration in wanted if migration.stage == stage]
        last = max((migration.number for migration in ours if migration.number in applied), default=0)
        for migration in ours:
            if migration.number not in applied and migration.number < last:
                raise MigrationError(
                    f"Migration {migration.title} comes before {last:04}, which is already applied",
                    where,
                    "Number it after the last applied one: every database gets the files in the same order.",
                )
    return missing


@asynccontextmanager
async def _connection(database: str | Pool) -> AsyncGenerator[tuple[Connection, str]]:
    if not isinstance(database, str):
        async with database.acquire() as connection:
            yield connection, "the database"
        return
    where = where_of(database)
    try:
        connection = await asyncpg.connect(database, timeout=CONNECT_MAX_MS / 1000)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        mend = "Check LIVESERVER_DATABASE_URL and that PostgreSQL runs there."
        raise MigrationError(
            f"The database cannot be reached: {error or 'no answer'}", where, mend
        ) from error
    try:
        yield connection, where
    finally:
        await connection.close()
