"""Migrations: once, in order, unchanged, by one process at a time, taking away nothing that an older release beside needs; and
schema.sql says what they make."""

import asyncio
import itertools
from pathlib import Path

import asyncpg
import pytest

from liveserver.cli.migrate import nobody_older, older_than
from liveserver.infra.database import Connection, Pool, where_of
from liveserver.infra.migrations import Migration, MigrationError, known_migrations, migrate, pending
from liveserver.nodes.model import NodeCard
from liveserver.nodes.service import Nodes
from scripts.write_schema import SCHEMA, dumped

PEOPLE = Migration(1, "people", "CREATE TABLE people (id int PRIMARY KEY);")
SHOWS = Migration(
    2, "shows", "CREATE TABLE shows (id int PRIMARY KEY); ALTER TABLE people ADD COLUMN name text;"
)
TIGHTER = Migration(3, "tighter", "-- stage: post\n-- since: 0.2\nALTER TABLE people DROP COLUMN name;")
PLACES = Migration(4, "places", "CREATE TABLE places (id int PRIMARY KEY);")
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
    [
        ({"1_people.sql": ""}, "named like"),
        ({"0001_a.sql": "", "0001_b.sql": ""}, "number is taken"),
        ({"0001_a.sql": "-- stage: post\n"}, "says -- since"),
        ({"0001_a.sql": "-- stage: pre\n-- since: 0.2\n"}, "says -- since"),
    ],
)
def test_misnamed_files_are_refused(tmp_path: Path, files: dict[str, str], complaint: str):
    for name, header in files.items():
        (tmp_path / name).write_text(f"{header}SELECT 1;")
    with pytest.raises(ValueError, match=complaint):
        known_migrations(tmp_path)


async def allow(connection: Connection, migration: Migration) -> None:
    """A guard of a deployment where nobody older lives."""


async def columns(url: str, table: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
            table,
        )
        return {row["attname"] for row in rows}
    finally:
        await connection.close()


async def test_what_takes_away_waits_until_it_is_asked_for_and_nothing_waits_for_it(empty_database_url: str):
    await migrate(empty_database_url, [PEOPLE, SHOWS])
    release = [PEOPLE, SHOWS, TIGHTER, PLACES]
    assert await migrate(empty_database_url, release) == [PLACES]
    assert await pending(empty_database_url, release) == [TIGHTER]
    assert await columns(empty_database_url, "people") == {"id", "name"}, "an older node beside still has it"
    assert await migrate(empty_database_url, release, post=allow) == [TIGHTER]
    assert await columns(empty_database_url, "people") == {"id"}
    assert await migrate(empty_database_url, release, post=allow) == []


async def test_the_guard_is_asked_before_anything_is_taken_away(empty_database_url: str):
    await migrate(empty_database_url, [PEOPLE, SHOWS])

    async def refuse(connection: Connection, migration: Migration) -> None:
        raise MigrationError(f"{migration.title} must wait", "here", "Wait.")

    with pytest.raises(MigrationError, match="0003_tighter must wait"):
        await migrate(empty_database_url, [PEOPLE, SHOWS, TIGHTER, PLACES], post=refuse)
    assert await columns(empty_database_url, "people") == {"id", "name"}
    assert "places" in await tables(empty_database_url), "what only adds was applied before"


async def test_an_empty_database_gets_everything_in_the_order_of_its_numbers(empty_database_url: str):
    release = [PEOPLE, SHOWS, TIGHTER, PLACES]
    assert await migrate(empty_database_url, release) == release


async def test_a_release_from_before_the_tightening_is_refused(empty_database_url: str):
    await migrate(empty_database_url, [PEOPLE, SHOWS, TIGHTER, PLACES], post=allow)
    with pytest.raises(MigrationError, match="too old for the database: 0003_tighter") as caught:
        await migrate(empty_database_url, [PEOPLE, SHOWS])
    assert "0.2" in caught.value.mend


async def test_a_database_from_before_files_had_stages_goes_on(empty_database_url: str):
    await migrate(empty_database_url, [PEOPLE])
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("ALTER TABLE schema_migrations DROP COLUMN since")
    await connection.close()
    assert await pending(empty_database_url, [PEOPLE, SHOWS]) == [SHOWS]
    assert await migrate(empty_database_url, [PEOPLE, SHOWS]) == [SHOWS]


@pytest.mark.parametrize(
    ("release", "since", "older"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.2.0", "0.2", False),
        ("0.2.0.dev1", "0.2.0", True),
        ("0.10.0", "0.9.0", False),
        ("1.0", "0.9.9", False),
        ("unknown", "0.1", True),
    ],
)
def test_which_release_is_older(release: str, since: str, older: bool):
    assert older_than(release, since) is older


async def test_nothing_is_taken_away_while_a_node_that_needs_it_lives(pool: Pool):
    node = Nodes(pool, NodeCard(id="node_1", kind="serving", release="0.1.0", log_version=1, kinds=()))
    await node.start()
    async with pool.acquire() as connection:
        with pytest.raises(MigrationError, match=r"node_1 \(0\.1\.0\)"):
            await nobody_older(connection, TIGHTER)
    await node.aclose()
    newer = Nodes(pool, NodeCard(id="node_2", kind="serving", release="0.2.0", log_version=1, kinds=()))
    await newer.start()
    async with pool.acquire() as connection:
        await nobody_older(connection, TIGHTER)
    await newer.aclose()


async def test_schema_sql_is_what_the_migrations_make(database_url: str, empty_database_url: str):
    made = await asyncio.to_thread(dumped, database_url)
    assert SCHEMA.read_text() == made, "run make schema and commit liveserver/infra/schema.sql"
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(SCHEMA.read_text())
    await connection.close()
    assert await asyncio.to_thread(dumped, empty_database_url) == made
