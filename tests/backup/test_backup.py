"""Backups of the real PostgreSQL: what comes back is what was saved, and what is not good is refused before anything is touched."""

import io
import os
import resource
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec
import pytest

from liveserver.backup import archive, manifest, tools
from liveserver.backup.archive import DATABASE, MANIFEST, opened
from liveserver.backup.make import make, snapshot
from liveserver.backup.manifest import NOT_KEPT, Manifest, Table
from liveserver.backup.restore import Proof, prove, refuse_newer, restore, restore_media, target_problems
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.cli.restore import verified
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines
from liveserver.infra.migrations import known_migrations, migrate, pending
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.rooms.edge import command
from liveserver.rooms.hub import Hub
from liveserver.rooms.lifecycle import Start
from liveserver.rooms.log import ShowLog
from liveserver.rooms.model import Actor, Decision
from tests.conftest import database_named
from tests.rooms.conftest import AnyShow

SHOW = "show_1"
HOST = Actor("user_host", "Hanna", "host")


def quiet(_: str) -> None:
    """Progress that nobody sees."""


@pytest.fixture
async def shards(redis_url: str) -> AsyncIterator[Shards]:
    redis, appends = general(redis_url), append_connection(redis_url)
    yield Shards.around(redis, [appends])
    await redis.aclose()
    await appends.aclose()


@pytest.fixture
async def hub(pool: Pool, shards: Shards) -> AsyncIterator[Hub]:
    """A node with a live show, of which something is recorded."""
    hub = Hub(pool, shards, AnyShow(), FEATURES, PROJECTORS, SystemClock())  # pyright: ignore[reportArgumentType] - only `get` and `list` are used
    await hub.start()
    await pool.execute("INSERT INTO categories (id, name) VALUES ('maps', 'Maps')")
    room = await hub.open(SHOW)
    assert isinstance((await room.ask(command("show:start", HOST, Start()))).verdict, Decision)
    yield hub
    await hub.aclose()


async def made(
    target: Path, pool: Pool, dsn: str, shards: Shards | None = None, media: Path | None = None
) -> Manifest:
    return await make(target, pool, dsn, shards, {"LIVESERVER_PORT": "80"}, ["LIVESERVER_JWT_SECRET"], media, on_progress=quiet)  # fmt: skip


async def came_back(source: Path, pool: Pool, dsn: str) -> Proof:
    with opened(source, quiet) as saved:
        await restore(saved, pool, dsn, on_progress=quiet)
        return await prove(saved.manifest, pool, verified, quiet)


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(empty_database_url)
    yield pool
    await pool.close()


NewDatabase = Callable[[], Awaitable[str]]


@pytest.fixture
async def own_database(engines: Engines) -> AsyncIterator[NewDatabase]:
    """Makes one more empty database."""
    admin = await asyncpg.connect(engines.database_url)
    name = f"test_backup_{os.getpid()}"

    async def make() -> str:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return database_named(engines, name)

    yield make
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()


async def test_all_comes_back_and_is_proven(
    tmp_path: Path,
    hub: Hub,
    pool: Pool,
    database_url: str,
    shards: Shards,
    empty: Pool,
    empty_database_url: str,
) -> None:
    about = await made(tmp_path / "a.tar", pool, database_url, shards)
    assert about.logs[SHOW].seq >= 1
    assert about.logs[SHOW].unrecorded == 0, "it waited for the record"
    assert (about.settings, about.secrets_left_out) == ({"LIVESERVER_PORT": "80"}, ("LIVESERVER_JWT_SECRET",))
    assert (tmp_path / "a.tar").stat().st_mode & 0o777 == 0o600
    proof = await came_back(tmp_path / "a.tar", empty, empty_database_url)
    assert proof.wrong == []
    assert (proof.shows, proof.tables) == (1, len(about.tables))
    assert await empty.fetchval("SELECT name FROM categories WHERE id = 'maps'") == "Maps"
    assert await empty.fetchval("SELECT count(*) FROM nodes") == 0, "who lived then does not live in the copy"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM categories WHERE id = 'art'", "table categories has"),
        (
            "UPDATE categories SET name = 'Kunst' WHERE id = 'art'",
            "table categories has the right number of rows",
        ),
        ('UPDATE facts SET payload = payload || \'{"by": "nobody"}\'', f"{SHOW}: differs at 1"),
        ("UPDATE show_logs SET recorded_hash = repeat('0', 40)", f"the log of {SHOW} stands elsewhere"),
        ("DROP TABLE reminders", "table reminders is missing"),
    ],
)
async def test_a_copy_that_differs_is_found_out(
    tmp_path: Path, hub: Hub, pool: Pool, database_url: str, shards: Shards, empty: Pool, empty_database_url: str,
    change: str, found: str,
) -> None:  # fmt: skip
    about = await made(tmp_path / "a.tar", pool, database_url, shards)
    assert (await came_back(tmp_path / "a.tar", empty, empty_database_url)).ok
    await empty.execute(change)
    proof = await prove(about, empty, verified, quiet)
    assert any(line.startswith(found) for line in proof.wrong), proof.wrong


async def a_backup(folder: Path, pool: Pool, dsn: str) -> Path:
    await made(folder / "a.tar", pool, dsn)
    return folder / "a.tar"


async def test_a_database_that_holds_anything_is_never_restored_into(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    (problem,) = await target_problems(pool, database_url, "18.0")
    assert "is not empty" in problem.what
    with (
        pytest.raises(Mendable, match="is not empty"),
        opened(await a_backup(tmp_path, pool, database_url), quiet) as saved,
    ):
        await restore(saved, pool, database_url, on_progress=quiet)


async def test_an_older_server_than_the_saved_one_is_refused(empty: Pool, empty_database_url: str) -> None:
    (problem,) = await target_problems(empty, empty_database_url, "99.1")
    assert "is older than the 99.1" in problem.what


async def test_a_restore_that_fails_leaves_the_database_empty(
    tmp_path: Path, pool: Pool, database_url: str, empty: Pool, empty_database_url: str
) -> None:
    with opened(await a_backup(tmp_path, pool, database_url), quiet) as saved:
        dump = saved.read(DATABASE).read()
    with pytest.raises(Mendable, match="pg_restore failed"):
        await tools.load(empty_database_url, io.BytesIO(dump[: len(dump) * 3 // 4]), quiet, None)
    assert await target_problems(empty, empty_database_url, "18.0") == []


async def test_a_copy_by_pipe_is_whole_or_absent(
    hub: Hub, pool: Pool, database_url: str, empty: Pool, empty_database_url: str
) -> None:
    async with snapshot(pool) as (connection, name):
        about = await manifest.described(connection, {}, [], {})
        with pytest.raises(Mendable, match="pg_dump failed"):
            await tools.copy(database_url, "00000000-00000000-1", NOT_KEPT, empty_database_url, quiet, None)
        assert await target_problems(empty, empty_database_url, "18.0") == []
        with pytest.raises(Mendable, match="pg_restore failed"):
            await tools.copy(database_url, name, NOT_KEPT, database_url, quiet, None)
        await tools.copy(database_url, name, NOT_KEPT, empty_database_url, quiet, None)
    assert (await prove(about, empty, verified, quiet)).wrong == []


async def test_an_older_release_s_archive_is_compared_as_it_was_and_brought_up_to_date(
    tmp_path: Path,
    database_url: str,
    pool: Pool,
    empty: Pool,
    empty_database_url: str,
    own_database: NewDatabase,
) -> None:
    older = await own_database()
    await migrate(older, known_migrations()[:-1])
    old_pool = await open_pool(older)
    await made(tmp_path / "a.tar", old_pool, older)
    await old_pool.close()
    assert (await came_back(tmp_path / "a.tar", empty, empty_database_url)).wrong == []
    assert await pending(empty) == []


async def test_a_database_of_somebody_else_is_not_saved_as_ours(
    tmp_path: Path, empty: Pool, empty_database_url: str
) -> None:
    with pytest.raises(Mendable, match="holds no liveserver"):
        await made(tmp_path / "a.tar", empty, empty_database_url)
    assert list(tmp_path.iterdir()) == []


async def test_texts_of_another_server_s_defaults_are_no_difference(
    tmp_path: Path,
    hub: Hub,
    pool: Pool,
    database_url: str,
    shards: Shards,
    empty: Pool,
    empty_database_url: str,
) -> None:
    about = await made(tmp_path / "a.tar", pool, database_url, shards)
    await came_back(tmp_path / "a.tar", empty, empty_database_url)
    name = await empty.fetchval("SELECT current_database()")
    await empty.execute(f"ALTER DATABASE {name} SET datestyle = 'German'")
    await empty.execute(f"ALTER DATABASE {name} SET bytea_output = 'escape'")
    other = await open_pool(empty_database_url)
    assert await other.fetchval("SHOW datestyle") == "German, DMY"
    assert (await prove(about, other, verified, quiet)).wrong == []
    await other.close()


async def test_media_come_along_and_overwrite_nothing(tmp_path: Path, pool: Pool, database_url: str) -> None:
    media, target = tmp_path / "media", tmp_path / "new"
    (media / "shows").mkdir(parents=True)
    (media / "shows" / "one.png").write_bytes(b"picture")
    (media / ("a" * 120 + ".png")).write_bytes(bytes(3_000_000))
    await made(tmp_path / "a.tar", pool, database_url, media=media)
    with opened(tmp_path / "a.tar", quiet) as saved:
        assert restore_media(saved, target) == 2
        assert (target / "shows" / "one.png").read_bytes() == b"picture"
        assert (target / ("a" * 120 + ".png")).stat().st_size == 3_000_000
        with pytest.raises(Mendable, match="is there already"):
            restore_media(saved, target)


Member = tuple[str, bytes]


def rewritten(source: Path, target: Path, change: Callable[[list[Member]], list[Member]]) -> Path:
    """An archive with other contents, as somebody might make who tampers with it."""
    with tarfile.open(source) as old:
        kept = [(name, old.extractfile(name).read()) for name in old.getnames()]  # pyright: ignore[reportOptionalMemberAccess] - plain files
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as new:
        for name, content in change(kept):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target


def other_manifest(change: Callable[[Manifest], Manifest]) -> Callable[[list[Member]], list[Member]]:
    def changed(members: list[Member]) -> list[Member]:
        told = msgspec.json.decode(members[-1][1], type=Manifest)
        return [*members[:-1], (MANIFEST, msgspec.json.encode(change(told)))]

    return changed


def outside(about: Manifest) -> Manifest:
    part = msgspec.structs.replace(about.parts[0], name="media/../../evil")
    return msgspec.structs.replace(about, parts=(*about.parts, part))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda members: [("notes.txt", b"hello")], "does not end with a manifest"),
        (lambda members: members[:1], "does not end with a manifest"),
        (lambda members: members[1:], "does not hold the files"),
        (lambda members: [*members[:1], ("media/more.png", b"?"), members[1]], "does not hold the files"),
        (lambda members: [(DATABASE, b"something else"), members[1]], "was changed or cut"),
        (lambda members: [(DATABASE, members[0][1][:-1] + b"?"), members[1]], "was changed or cut"),
        (lambda members: [members[0], members[0], members[1]], "does not belong into it"),
        (lambda members: [members[0], (MANIFEST, b"{")], "its manifest is damaged"),
        (other_manifest(lambda about: msgspec.structs.replace(about, format=2)), "format 2"),
        (
            lambda members: other_manifest(outside)(
                [members[0], ("media/../../evil", members[0][1]), members[1]]
            ),
            "would lie outside",
        ),
    ],
)
async def test_a_bad_archive_is_refused_before_anything_is_touched(
    tmp_path: Path, pool: Pool, database_url: str, change: Callable[[list[Member]], list[Member]], why: str
) -> None:
    bad = rewritten(await a_backup(tmp_path, pool, database_url), tmp_path / "bad.tar", change)
    with pytest.raises(Mendable, match="no good") as error, opened(bad, quiet):
        raise AssertionError("it opened")
    assert why in error.value.what


async def test_an_archive_that_is_cut_anywhere_is_refused(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    good = (await a_backup(tmp_path, pool, database_url)).read_bytes()
    cut = tmp_path / "cut.tar"
    for share in range(10):
        cut.write_bytes(good[: len(good) * share // 10])
        with pytest.raises(Mendable, match="no good"), opened(cut, quiet):
            raise AssertionError(f"it opened with {share} tenths")


async def test_a_newer_release_s_tables_are_refused(tmp_path: Path, pool: Pool, database_url: str) -> None:
    about = await made(tmp_path / "a.tar", pool, database_url)
    newer = msgspec.structs.replace(about, migrations=(*about.migrations, "9999_from_the_future"))
    with pytest.raises(Mendable, match="9999_from_the_future"):
        refuse_newer(newer, tmp_path / "a.tar")
    refuse_newer(about, tmp_path / "a.tar")


async def test_an_archive_is_never_overwritten_nor_half_there(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    target = tmp_path / "a.tar"
    target.write_text("mine")
    with pytest.raises(Mendable, match="a file of this name"):
        await made(target, pool, database_url)
    with pytest.raises(Mendable, match="no such folder"):
        await made(tmp_path / "nowhere" / "a.tar", pool, database_url)
    with pytest.raises(Mendable, match="pg_dump failed"):
        await made(tmp_path / "b.tar", pool, database_url.replace("/test_", "/not_there_"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar"]
    assert target.read_text() == "mine"


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """As on a disk that is full after so much. PostgreSQL runs already and is not limited."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room_bytes", [0, 4_096, 20_000])
async def test_a_full_disk_leaves_nothing(
    tmp_path: Path, pool: Pool, database_url: str, room_bytes: int
) -> None:
    with pytest.raises(Mendable, match="cannot be written: File too large"), files_of_at_most(room_bytes):
        await made(tmp_path / "a.tar", pool, database_url)
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_backup_left_is_removed_by_the_next(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    (tmp_path / f"{archive.DRAFT}abandoned").write_bytes(b"half")
    with archive.written(tmp_path / "b.tar", quiet):
        await made(tmp_path / "a.tar", pool, database_url)
        assert len(list(tmp_path.iterdir())) == 2, "the other one, which is alive, keeps its draft"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar"]


async def test_what_is_not_recorded_in_time_is_said(
    tmp_path: Path, pool: Pool, database_url: str, shards: Shards
) -> None:
    log = ShowLog("show_2", shards)
    await pool.execute("INSERT INTO show_logs (show, epoch) VALUES ('show_2', 1)")
    assert await log.open(1, 0, 0, "", await log.head())
    await log.append("node", 1, SystemClock().now_ms(), 3, b"nobody records this")
    said: list[str] = []
    about = await make(
        tmp_path / "a.tar", pool, database_url, shards, {}, [], None, on_progress=said.append, wait_s=0.2
    )
    assert about.logs["show_2"].unrecorded == 3
    assert any("3 acknowledged commands of 1 shows are not recorded" in line for line in said)


def test_differences_name_tables_of_one_side():
    one, two = Table(1, "5"), Table(2, "7")
    assert manifest.differences({"a": one, "b": one}, {"b": two, "c": one}) == [
        "table a is missing",
        "table b has 2 rows instead of 1",
        "table c is not in the archive",
    ]
