"""Makes an archive of a running or stopped server, consistent to the moment: one snapshot for figures and dump.

Acknowledged commands reach the record a moment after; it waits until those acknowledged before it began are there. It records
nothing itself.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.exceptions import RedisError

from liveserver.backup import archive, tools
from liveserver.backup.archive import CHUNK_BYTES, DATABASE, MEDIA, Draft, Progress
from liveserver.backup.manifest import NOT_KEPT, Manifest, described
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.infra.shards import Shards
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.log import ShowLog

WAIT_MAX_S = 30.0
"""How long the record may take to catch up before the archive is made without what is missing."""
LOOK_S = 0.1
AWAY = (RedisError, OSError, TimeoutError)


async def make(
    target: Path,
    pool: Pool,
    dsn: str,
    shards: Shards | None,
    settings: Mapping[str, str],
    secrets_left_out: Sequence[str],
    media: Path | None,
    *,
    on_progress: Progress,
    wait_s: float = WAIT_MAX_S,
    bin_dir: Path | None = None,
) -> Manifest:
    """Writes the archive and gives its manifest. Raises Mendable; then there is no archive."""
    with archive.written(target, on_progress) as draft:
        missing = {} if shards is None else await _caught_up(pool, shards, on_progress, wait_s)
        async with snapshot(pool) as (connection, name):
            on_progress("reading every table")
            about = await described(connection, settings, secrets_left_out, missing)
            on_progress("dumping the database")
            with draft.part(DATABASE) as sink:
                await tools.dump(dsn, name, NOT_KEPT, sink, on_progress, bin_dir)
        if media is not None:
            _add_media(draft, media, on_progress)
        return draft.finish(about)


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncGenerator[tuple[Connection, str]]:
    """A transaction that sees one moment, and the name by which other sessions see the same while it lasts."""
    async with transaction(pool, "repeatable_read") as connection:
        # Another program reads in this snapshot for as long as it takes, while we say nothing.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection, await connection.fetchval("SELECT pg_export_snapshot()")


def _add_media(draft: Draft, folder: Path, on_progress: Progress) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = f"{MEDIA}/{path.relative_to(folder)}"
        on_progress(f"saving {name}")
        try:
            with path.open("rb") as file, draft.part(name) as sink:
                while chunk := file.read(CHUNK_BYTES):
                    sink(chunk)
        except (OSError, UnicodeError) as error:
            raise Mendable(
                f"A media file cannot be saved: {error}", str(path), "Mend or remove it."
            ) from error


async def unrecorded(pool: Pool, shards: Shards) -> dict[str, int]:
    """By show, how many acknowledged commands only its log has; shows without any are left out. Raises RedisError, OSError or
    TimeoutError when Redis does not say."""
    goals = await _goals(pool, shards)
    return {show: lag for show, goal in goals.items() if (lag := await _lag(pool, show, goal)) > 0}


async def _caught_up(pool: Pool, shards: Shards, on_progress: Progress, wait_s: float) -> dict[str, int]:
    """Waits until what is in the logs now is recorded; what of it is not in the end, by show."""
    try:
        goals = await _goals(pool, shards)
    except AWAY as error:
        on_progress(f"Redis cannot be asked what it still has ({error}): the archive has what is recorded")
        return {}
    began = told = time.monotonic()
    while True:
        behind = {show: lag for show, goal in goals.items() if (lag := await _lag(pool, show, goal)) > 0}
        if not behind:
            return {}
        if time.monotonic() - began >= wait_s:
            on_progress(
                f"{sum(behind.values())} acknowledged commands of {len(behind)} shows are not recorded after {wait_s:.0f} s and "
                "not in this archive; is the server that records running?"
            )
            return behind
        if time.monotonic() - told >= tools.NEWS_S:
            told = time.monotonic()
            on_progress(f"waiting for {sum(behind.values())} commands to be recorded")
        goals = {show: goals[show] for show in behind}
        await asyncio.sleep(LOOK_S)


async def _goals(pool: Pool, shards: Shards) -> dict[str, tuple[int, int]]:
    """Epoch and sequence number at which each log stands that is ahead of its record."""
    goals: dict[str, tuple[int, int]] = {}
    if await pool.fetchval("SELECT to_regclass('show_logs') IS NULL"):
        return goals
    for row in await pool.fetch("SELECT show, recorded_seq FROM show_logs ORDER BY show"):
        head = await ShowLog(row["show"], shards).head()
        if head.epoch and head.seq > row["recorded_seq"]:
            goals[row["show"]] = (head.epoch, head.seq)
    return goals


async def _lag(pool: Pool, show: str, goal: tuple[int, int]) -> int:
    mark = await store.watermark(pool, show)
    # In a later epoch the log was seeded from the record: what was lost then is not waited for.
    return 0 if mark is None or mark.epoch > goal[0] else goal[1] - mark.seq
