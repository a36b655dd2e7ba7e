"""The connection pool to PostgreSQL, transactions, and SQL kept in the open in named queries.

It is no mapper and builds no SQL: each domain's statements stand in its own `queries.sql`, one sentence each.
"""

import difflib
import logging
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg
import msgspec

from liveserver.kernel.errors import Mendable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Record: TypeAlias = asyncpg.Record
else:  # the classes are generic only in their stubs
    Pool, Connection, Record = asyncpg.Pool, asyncpg.Connection, asyncpg.Record

CONNECTIONS_MAX = 10
"""Per process. PostgreSQL is told to take 100 in all; more connections than cores only wait for each other."""
STATEMENT_MAX_MS = 10_000
"""No statement of the server takes longer in good times; a stuck one must not hold its locks for ever."""
IDLE_TRANSACTION_MAX_MS = 30_000
"""A transaction whose process hangs is ended by PostgreSQL, so that it doesn't block others and vacuum."""
CONNECT_MAX_MS = 10_000
ACQUIRE_MAX_MS = 10_000
"""Whoever waits longer than this for a connection gets `TimeoutError`: the pool is the queue, and this its limit."""

AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What PostgreSQL's absence looks like. The internal error is asyncpg's word for a connection that is torn down while somebody
begins to use it."""

Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]


def _in_one_line(record: logging.LogRecord) -> bool:
    """Asyncpg's pool logs a traceback whenever it fails to connect again: that PostgreSQL is away is worth a line."""
    if record.exc_info is not None:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = None
    return True


logging.getLogger("asyncpg.pool").addFilter(_in_one_line)


async def open_pool(
    dsn: str,
    *,
    application: str = "liveserver",
    connections_max: int = CONNECTIONS_MAX,
    statement_max_ms: int = STATEMENT_MAX_MS,
) -> Pool:
    """A pool of up to `connections_max` connections; `json` and `jsonb` columns come and go as Python values.

    Raises `Mendable` when the database cannot be reached or refuses us. Close it with `await pool.close()`.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=connections_max,
            timeout=CONNECT_MAX_MS / 1000,
            init=_prepare_connection,
            reset=_as_it_is,
            server_settings={
                "application_name": application,
                "statement_timeout": str(statement_max_ms),
                "idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_MAX_MS),
                "timezone": "UTC",
            },
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Mendable(
            f"The database cannot be used: {error or type(error).__name__}",
            where_of(dsn),
            "Check LIVESERVER_DATABASE_URL and that PostgreSQL runs there; without it an embedded one is started.",
        ) from error


def where_of(dsn: str) -> str:
    """The address without its password, for messages."""
    return re.sub(r"(?<=:)[^:@/]*(?=@)", "…", dsn)


async def _prepare_connection(connection: Connection) -> None:
    # Binary, for COPY knows no other form. A value that is JSON already goes in as `msgspec.Raw`.
    await connection.set_type_codec(
        "json",
        schema="pg_catalog",
        format="binary",
        encoder=msgspec.json.encode,
        decoder=msgspec.json.decode,
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


async def _as_it_is(_: Connection) -> None:
    """Leaves a connection that is given back as it is: asyncpg ends an open transaction in any case, and whoever listens or locks
    for longer than one cleans up after itself. Asyncpg's own reset would be one more journey for every statement."""


_JSONB_VERSION = b"\x01"
"""What binary jsonb begins with; text follows (PostgreSQL source, src/backend/utils/adt/jsonb.c, jsonb_recv)."""


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    assert data[:1] == _JSONB_VERSION, "PostgreSQL has sent this version since there is jsonb"
    return msgspec.json.decode(data[1:])


@asynccontextmanager
async def transaction(pool: Pool, isolation: Isolation = "read_committed") -> AsyncGenerator[Connection]:
    """One connection in one transaction: committed at the end of the block, rolled back when it raises."""
    async with (
        pool.acquire(timeout=ACQUIRE_MAX_MS / 1000) as connection,
        connection.transaction(isolation=isolation),
    ):
        yield connection


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement and the sentence that says what it does."""

    name: str
    doc: str
    sql: str


class Queries:
    """The statements of one `queries.sql`: `QUERIES.find_user` is the SQL text of the block `-- name: find_user`."""

    def __init__(self, origin: str, queries: dict[str, Query]) -> None:
        self._origin = origin
        self._queries = queries

    def __getattr__(self, name: str) -> str:
        """The SQL of that name. Raises `AttributeError` with the nearest name when there is none."""
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._queries[name].sql
        except KeyError:
            near = difflib.get_close_matches(name, self._queries, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"{self._origin} has no query {name!r}{hint}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)


def load_queries(package: str, file: str = "queries.sql") -> Queries:
    """Read a package's named statements.

    Each block is `-- name: find_user`, then a sentence as `-- …` lines, then one statement. Raises `ValueError` when a
    block lacks its sentence or statement, or a name comes twice; `FileNotFoundError` when there is no such file.
    """
    origin = f"{package}/{file}"
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    return Queries(origin, parse_queries(text, origin))


def parse_queries(text: str, origin: str) -> dict[str, Query]:
    """The blocks of `text`; see `load_queries`. What stands before the first name is a comment on the file."""
    found: dict[str, Query] = {}
    _, *parts = _NAME.split(text)
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        lines = body.strip().splitlines()
        doc_lines = 0
        while doc_lines < len(lines) and lines[doc_lines].startswith("--"):
            doc_lines += 1
        doc = " ".join(line.removeprefix("--").strip() for line in lines[:doc_lines])
        sql = "\n".join(lines[doc_lines:]).strip().removesuffix(";")
        if not doc or not sql:
            raise ValueError(f"{origin}: query {name!r} lacks its {'sentence' if not doc else 'statement'}")
        if name in found:
            raise ValueError(f"{origin}: query {name!r} comes twice")
        found[name] = Query(name, doc, sql)
    return found
