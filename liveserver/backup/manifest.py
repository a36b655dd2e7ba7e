"""What an archive says of itself: versions, every table's figures, every show's chain; and how two of these differ.

Figures are taken inside one snapshot of the database, so that a restored copy can be held against them to the row. Where the
database and the archive are is not known here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from liveserver import __version__
from liveserver.infra.database import Connection, Record
from liveserver.kernel.errors import Mendable

FORMAT = 1
"""Of archives. A newer one is refused."""
TABLES_MAX = 1_000
NOT_KEPT = ("nodes", "log_holders")
"""Tables whose rows are about processes that live now: a copy has none of them."""


class Part(msgspec.Struct, frozen=True):
    """A file in the archive."""

    name: str
    bytes: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """A table's figures: rows, and the sum of their digests (order does not count)."""

    rows: int
    digest: str


class Log(msgspec.Struct, frozen=True):
    """Where a show's record stands. `unrecorded`: commands acknowledged by then that it lacks; they are not in the archive."""

    epoch: int
    seq: int
    hash: str
    live: bool = False
    unrecorded: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first file of every archive."""

    format: int
    release: str
    made_at: str
    postgres: str
    migrations: tuple[str, ...]
    tables: dict[str, Table]
    logs: dict[str, Log]
    settings: dict[str, str]
    secrets_left_out: tuple[str, ...]
    parts: tuple[Part, ...] = ()


async def described(
    connection: Connection,
    settings: Mapping[str, str],
    secrets_left_out: Sequence[str],
    unrecorded: Mapping[str, int],
) -> Manifest:
    """What a transaction sees, as a manifest. Raises Mendable for a database that is none of ours."""
    applied = await migrations(connection)
    if not applied:
        raise Mendable(
            "This database holds no liveserver",
            str(await connection.fetchval("SELECT current_database()")),
            "Name the right one with LIVESERVER_DATABASE_URL, or the server's folder with LIVESERVER_DATA_DIR.",
        )
    return Manifest(
        format=FORMAT,
        release=__version__,
        made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        postgres=str(await connection.fetchval("SHOW server_version")).split(" ")[0],
        migrations=applied,
        tables=await figures(connection),
        logs={
            show: msgspec.structs.replace(found, unrecorded=unrecorded.get(show, 0))
            for show, found in (await logs(connection)).items()
        },
        settings=dict(settings),
        secrets_left_out=tuple(secrets_left_out),
    )


async def table_names(connection: Connection) -> list[str]:
    """Tables of ours, in order. Raises nothing on a database that has none."""
    rows: list[Record] = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname LIMIT $1",
        TABLES_MAX,
    )
    return [row["relname"] for row in rows]


async def figures(connection: Connection) -> dict[str, Table]:
    """Every kept table's, in a transaction. A digest is half an MD5 of the row's text: against accidents, not against forgers
    (the archive's own checksums and the shows' chains are for those)."""
    assert connection.is_in_transaction(), "what is set for the texts must not outlive it"
    found: dict[str, Table] = {}
    # A row's text depends on these, and another server may have other defaults.
    await connection.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; "
        "SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"
    )
    for name in await table_names(connection):
        if name in NOT_KEPT:
            continue
        quoted = '"' + name.replace('"', '""') + '"'
        row = await connection.fetchrow(
            f"SELECT count(*) AS rows, "  # noqa: S608 - the name is from the catalogue, and quoted
            f"coalesce(sum(('x' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)::text AS digest "
            f"FROM ONLY public.{quoted} t",
            timeout=3_600,
        )
        assert row is not None, "an aggregate has one row"
        found[name] = Table(row["rows"], row["digest"])
    return found


async def migrations(connection: Connection) -> tuple[str, ...]:
    """Those applied, in order."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        return ()
    rows = await connection.fetch("SELECT number, name FROM schema_migrations ORDER BY number")
    return tuple(f"{row['number']:04}_{row['name']}" for row in rows)


async def logs(connection: Connection) -> dict[str, Log]:
    """Where each show's record stands."""
    if await connection.fetchval("SELECT to_regclass('show_logs') IS NULL"):
        return {}
    rows = await connection.fetch(
        "SELECT l.show, l.epoch, l.recorded_seq, l.recorded_hash, coalesce(s.status = 'live', false) AS live "
        "FROM show_logs l LEFT JOIN shows s ON s.id = l.show ORDER BY l.show"
    )
    return {
        row["show"]: Log(row["epoch"], row["recorded_seq"], row["recorded_hash"], row["live"]) for row in rows
    }


def differences(expected: Mapping[str, Table], found: Mapping[str, Table]) -> list[str]:
    """In words, a table each; empty when the copy is the original."""
    wrong: list[str] = []
    for name in sorted({*expected, *found}):
        was, now = expected.get(name), found.get(name)
        if was is None or now is None:
            wrong.append(f"table {name} is {'missing' if now is None else 'not in the archive'}")
        elif was.rows != now.rows:
            wrong.append(f"table {name} has {now.rows} rows instead of {was.rows}")
        elif was.digest != now.digest:
            wrong.append(f"table {name} has the right number of rows, but not the same ones")
    return wrong
