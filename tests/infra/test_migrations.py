"""Migrations: once, in order, unchanged, by one process at a time; and schema.sql says what they make."""

import asyncio
import itertools
from pathlib import Path

import asyncpg
import pytest

from liveserver.infra.database import where_of
from liveserver.infra.migrations import Migration, MigrationError, known_migrations, migrate, pending
from scripts.write_schema import SCHEMA, dumped

PEOPLE = Migration(1, "people", "CREATE TABLE people (id int PRIMARY KEY);")
SHOWS = Migration(
    2, "shows", "CREATE TABLE shows (id int PRIMARY KEY); ALTER TABLE people ADD COLUMN name text;"
)
BROKEN = Migration(2, "broken", "CREATE TABLE half (id int); SELECT no_such_function();")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row["tablename"] for row in rows}
    finally:
        await connection.close()


async def test_applies_what_is_missing_in_order_and_then_nothing(empty_database_url: str):
    assert await pending(empty_database_url, [PEOPLE, SHOWS]) == [PEOPLE, SHOWS]
    assert await migrate(empty_database_url, [PEOPLE]) == [PEOPLE]
    assert await pending(empty_database_url, [PEOPLE, SHOWS]) == [SHOWS]
    assert await migrate(empty_database_url, [PEOPLE, SHOWS]) == [SHOWS]
    assert await migrate(empty_database_url, [PEOPLE, SHOWS]) == []
    assert await tables(empty_database_url) == {"people", "shows", "schema_migrations"}


async def test_a_failing_file_leaves_nothing_of_itself_behind(empty_database_url: str):
    with pytest.raises(MigrationError, match="0002_broken") as caught:
        await migrate(empty_database_url, [PEOPLE, BROKEN])
    assert "no_such_function" in caught.value.what
    assert await tables(empty_database_url) == {"people", "schema_migrations"}
    assert await migrate(empty_database_url, [PEOPLE, SHOWS]) == [SHOWS]


@pytest.mark.parametrize(
    ("then", "complaint"),
    [
        ([Migration(1, "people", PEOPLE.sql + " -- edited"), SHOWS], "0001_people differs"),
        ([PEOPLE, Migration(2, "renamed", SHOWS.sql)], "0002_renamed differs"),
        ([Migration(0, "late", "SELECT 1"), PEOPLE, SHOWS], "0000_late comes before 0002"),
    ],
)
async def test_history_is_never_rewritten(empty_database_url: str, then: list[Migration], complaint: str):
    await migrate(empty_database_url, [PEOPLE, SHOWS])
    with pytest.raises(MigrationError, match=complaint):
        await migrate(empty_database_url, then)


async def test_an_older_release_leaves_a_newer_ones_tables_alone(empty_database_url: str):
    await migrate(empty_database_url, [PEOPLE, SHOWS])
    assert await migrate(empty_database_url, [PEOPLE]) == []


async def test_many_processes_at_once_apply_each_file_once(empty_database_url: str):
    applied = await asyncio.gather(*(migrate(empty_database_url, [PEOPLE, SHOWS]) for _ in range(8)))
    assert sorted(m.number for m in itertools.chain.from_iterable(applied)) == [1, 2]


async def test_an_unreachable_database_is_named_without_its_password():
    with pytest.raises(MigrationError) as caught:
        await migrate("postgresql://live:s3cret@127.0.0.1:1/live")
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)


def test_the_password_is_taken_out_of_any_address():
    assert where_of("postgresql://u:p%40w@/db?host=%2Frun") == "postgresql://u:…@/db?host=%2Frun"
    assert where_of("postgresql://host:5432/db") == "postgresql://host:5432/db"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [({"1_people.sql"}, "named like"), ({"0001_a.sql", "0001_b.sql"}, "number is taken")],
)
def test_misnamed_files_are_refused(tmp_path: Path, files: set[str], complaint: str):
    for name in files:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match=complaint):
        known_migrations(tmp_path)


async def test_schema_sql_is_what_the_migrations_make(database_url: str, empty_database_url: str):
    made = await asyncio.to_thread(dumped, database_url)
    assert SCHEMA.read_text() == made, "run make schema and commit liveserver/infra/schema.sql"
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(SCHEMA.read_text())
    await connection.close()
    assert await asyncio.to_thread(dumped, empty_database_url) == made
