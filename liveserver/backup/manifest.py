"""What an archive says of itself: versions, every table's figures, every show's chain; and how two of these differ.

Figures are taken inside one snapshot of the database, so that a restored copy can be held against them to the row.
"""

from collections.abc import Mapping

import msgspec

from liveserver.infra.database import Connection, Record

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


async def postgres_version(connection: Connection) -> str:
    """Such as "18.4"."""
    return str(await connection.fetchval("SHOW server_version")).split(" ")[0]


async def table_names(connection: Connection) -> list[str]:
    """Tables of ours, in order. Raises nothing on a database that has none."""
    rows: list[Record] = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname LIMIT $1",
        TABLES_MAX,
    )
    return [row["relname"] for row in rows]


async def figures(connection: Connection) -> dict[str, Table]:
    """Every kept table's. A digest is half an MD5 of the row's text: against accidents, not against forgers (the archive's own
    checksums and the shows' chains are for those)."""
    found: dict[str, Table] = {}
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
        "SELECT show, epoch, recorded_seq, recorded_hash FROM show_logs ORDER BY show"
    )
    return {row["show"]: Log(row["epoch"], row["recorded_seq"], row["recorded_hash"]) for row in rows}


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
