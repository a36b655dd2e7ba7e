"""The pool's promises, transactions, and named queries: each one in the product is valid SQL for the migrated database."""

import asyncio
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

import liveserver
import storefront
from liveserver.infra.database import Pool, load_queries, open_pool, parse_queries, transaction
from liveserver.kernel.errors import Mendable

TEXT = """
-- What this file is about.

-- name: find_user
-- One user
-- by id.
SELECT * FROM users WHERE id = $1;

-- name: count_users
-- All of them.
SELECT count(*)
-- a remark inside
FROM users
"""


def query_files() -> list[str]:
    found: list[str] = []
    for package in (liveserver, storefront):
        root = Path(str(package.__file__)).parent
        folders = [file.parent.relative_to(root).parts for file in sorted(root.rglob("queries.sql"))]
        found += [".".join((package.__name__, *parts)) for parts in folders]
    return found


def test_queries_are_read_with_their_sentence():
    queries = parse_queries(TEXT, "here")
    assert queries["find_user"].doc == "One user by id."
    assert queries["find_user"].sql == "SELECT * FROM users WHERE id = $1"
    assert "a remark inside" in queries["count_users"].sql


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nSELECT 1", "lacks its sentence"),
        ("-- name: a\n-- Doc.\n", "lacks its statement"),
        ("-- name: a\n-- Doc.\nSELECT 1\n-- name: a\n-- Doc.\nSELECT 2", "comes twice"),
    ],
)
def test_incomplete_queries_are_refused(text: str, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        parse_queries(text, "here")


def test_an_unknown_query_suggests_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "some_domain"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "queries.sql").write_text(TEXT)
    monkeypatch.syspath_prepend(tmp_path)
    import_module("some_domain")
    queries = load_queries("some_domain")
    assert queries.find_user.startswith("SELECT *")
    assert [query.name for query in queries] == ["find_user", "count_users"]
    with pytest.raises(AttributeError, match="did you mean 'find_user'"):
        _ = queries.find_users


async def test_every_query_of_the_product_is_valid_sql(pool: Pool):
    broken: list[str] = []
    async with pool.acquire() as connection:
        for package in query_files():
            for query in load_queries(package):
                try:
                    await connection.prepare(query.sql)
                except asyncpg.PostgresError as error:
                    broken.append(f"{package}.{query.name}: {error}")
    assert broken == []


async def test_a_transaction_is_all_or_nothing(pool: Pool):
    await pool.execute("CREATE TABLE bids (amount int)")

    async def fails_half_way() -> None:
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO bids VALUES (1)")
            await connection.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(asyncpg.UndefinedTableError):
        await fails_half_way()
    async with transaction(pool, "serializable") as connection:
        assert await connection.fetchval("SHOW transaction_isolation") == "serializable"
        await connection.execute("INSERT INTO bids VALUES (2)")
    assert await pool.fetch("SELECT amount FROM bids") == [(2,)]


async def test_json_columns_come_and_go_as_values(pool: Pool):
    value = {"images": [], "price": 99900, "title": "Äpfel"}
    assert await pool.fetchval("SELECT $1::jsonb", value) == value


async def test_a_stuck_statement_is_ended(database_url: str):
    pool = await open_pool(database_url, statement_max_ms=50)
    with pytest.raises(asyncpg.QueryCanceledError):
        await pool.execute("SELECT pg_sleep(10)")
    assert await pool.fetchval("SHOW timezone") == "UTC"
    await pool.close()


async def test_the_pool_is_bounded(database_url: str):
    pool = await open_pool(database_url, connections_max=2)
    async with pool.acquire(), pool.acquire():
        with pytest.raises(asyncio.TimeoutError):
            await pool.acquire(timeout=0.01)
    await pool.close()


async def test_an_unreachable_database_says_what_to_do():
    with pytest.raises(Mendable, match="LIVESERVER_DATABASE_URL") as caught:
        await open_pool("postgresql://live:s3cret@127.0.0.1:1/live")
    assert "s3cret" not in str(caught.value)
