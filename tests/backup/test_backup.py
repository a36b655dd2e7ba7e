"""Backups of the real PostgreSQL: what comes back is what was saved, and what is not good is refused before anything is touched."""

import hashlib
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from liveserver.backup import archive, manifest
from liveserver.backup.make import make
from liveserver.backup.manifest import Manifest, Table
from liveserver.backup.restore import Proof, prove, refuse_unless_empty, restore, restore_media, unpacked
from liveserver.cli.features import FEATURES, PROJECTORS
from liveserver.cli.restore import verified
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.rooms.edge import command
from liveserver.rooms.hub import Hub
from liveserver.rooms.lifecycle import Start
from liveserver.rooms.model import Actor, Decision
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


async def came_back(source: Path, folder: Path, pool: Pool, dsn: str) -> Proof:
    folder.mkdir()
    about = unpacked(source, folder, quiet)
    await restore(folder, about, pool, dsn, on_progress=quiet)
    return await prove(about, pool, verified, quiet)


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(empty_database_url)
    yield pool
    await pool.close()


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
    proof = await came_back(tmp_path / "a.tar", tmp_path / "x", empty, empty_database_url)
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
    assert (await came_back(tmp_path / "a.tar", tmp_path / "x", empty, empty_database_url)).ok
    await empty.execute(change)
    proof = await prove(about, empty, verified, quiet)
    assert any(line.startswith(found) for line in proof.wrong), proof.wrong


async def test_a_database_that_holds_anything_is_never_restored_into(pool: Pool, database_url: str) -> None:
    with pytest.raises(Mendable, match="is not empty"):
        await refuse_unless_empty(pool, database_url)


async def test_a_restore_that_fails_leaves_the_database_empty(
    tmp_path: Path, pool: Pool, database_url: str, empty: Pool, empty_database_url: str
) -> None:
    about = await made(tmp_path / "a.tar", pool, database_url)
    folder = tmp_path / "x"
    folder.mkdir()
    archive.read(tmp_path / "a.tar", folder, quiet)
    dump = folder / archive.DATABASE
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size * 3 // 4])
    with pytest.raises(Mendable, match="pg_restore failed"):
        await restore(folder, about, empty, empty_database_url, on_progress=quiet)
    await refuse_unless_empty(empty, empty_database_url)


async def test_media_come_along_and_overwrite_nothing(tmp_path: Path, pool: Pool, database_url: str) -> None:
    media, target = tmp_path / "media", tmp_path / "new"
    (media / "shows").mkdir(parents=True)
    (media / "shows" / "one.png").write_bytes(b"picture")
    await made(tmp_path / "a.tar", pool, database_url, media=media)
    folder = tmp_path / "x"
    folder.mkdir()
    unpacked(tmp_path / "a.tar", folder, quiet)
    assert restore_media(folder, target) == 1
    assert (target / "shows" / "one.png").read_bytes() == b"picture"
    with pytest.raises(Mendable, match="is there already"):
        restore_media(folder, target)


def rewritten(source: Path, target: Path, members: list[tuple[str, bytes]]) -> Path:
    """An archive with other contents, as somebody might make who tampers with it."""
    with tarfile.open(source) as old:
        kept = {name: old.extractfile(name).read() for name in old.getnames()}  # pyright: ignore[reportOptionalMemberAccess] - plain files
    with tarfile.open(target, "w") as new:
        for name, content in [*({**kept, **dict(members)}).items()]:
            path = target.parent / hashlib.sha256(name.encode()).hexdigest()
            path.write_bytes(content)
            new.add(path, name)
    return target


async def test_a_bad_archive_is_refused_before_anything_is_touched(
    tmp_path: Path, pool: Pool, database_url: str
) -> None:
    good = tmp_path / "a.tar"
    about = await made(good, pool, database_url)

    def refused(source: Path) -> str:
        folder = tmp_path / f"x-{source.name}"
        folder.mkdir()
        with pytest.raises(Mendable) as error:
            unpacked(source, folder, quiet)
        return error.value.what

    cut = tmp_path / "cut.tar"
    cut.write_bytes(good.read_bytes()[:20_000])
    assert "cannot be read" in refused(cut) or "cut" in refused(cut)
    assert "does not begin" in refused(
        _file(tmp_path, "other.tar", good, [("notes.txt", b"hello")], only=True)
    )
    changed = rewritten(good, tmp_path / "changed.tar", [(archive.DATABASE, b"something else")])
    assert "was changed or cut" in refused(changed)

    def with_manifest(name: str, changes: Manifest) -> Path:
        return rewritten(good, tmp_path / name, [(archive.MANIFEST, msgspec.json.encode(changes))])

    replace = msgspec.structs.replace
    assert "format 2" in refused(with_manifest("newer.tar", replace(about, format=2)))
    newer = replace(about, migrations=(*about.migrations, "9999_from_the_future"))
    assert "9999_from_the_future" in refused(with_manifest("future.tar", newer))
    outside = replace(about, parts=(msgspec.structs.replace(about.parts[0], name="../../evil"),))
    assert "missing" in refused(with_manifest("outside.tar", outside))


def _file(folder: Path, name: str, good: Path, members: list[tuple[str, bytes]], *, only: bool) -> Path:
    target = folder / name
    with tarfile.open(target, "w") as tar:
        for inner, content in members:
            path = folder / inner
            path.write_bytes(content)
            tar.add(path, inner)
    return target


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


async def test_what_is_not_recorded_in_time_is_said(
    tmp_path: Path, pool: Pool, database_url: str, shards: Shards
) -> None:
    from liveserver.rooms.log import ShowLog

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
