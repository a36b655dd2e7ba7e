"""Makes an archive of a running or stopped server, consistent to the moment: one snapshot for figures and dump.

Acknowledged commands reach the record a moment after; it waits until those acknowledged before it began are there.
"""

import asyncio
import datetime as dt
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import structlog
from redis.exceptions import RedisError

from liveserver import __version__
from liveserver.backup import archive, manifest, tools
from liveserver.backup.archive import Progress
from liveserver.backup.manifest import Manifest, Part
from liveserver.infra.database import Pool, transaction
from liveserver.infra.shards import Shards
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.log import ShowLog

log = structlog.get_logger(__name__)

WAIT_MAX_S = 30.0
"""How long the record may take to catch up before the archive is made without what is missing."""
LOOK_S = 0.1
SHOWS_MAX = 10_000


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
    _check_place(target)
    missing = {} if shards is None else await _caught_up(pool, shards, on_progress, wait_s)
    try:
        # Beside the archive: there is room for it, and it is on the disk that the operator chose.
        with tempfile.TemporaryDirectory(prefix=".liveserver-backup-", dir=target.parent) as folder:
            dumped = Path(folder) / archive.DATABASE
            async with transaction(pool, "repeatable_read") as connection:
                await connection.execute(
                    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
                )
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
                on_progress("reading every table's figures")
                logs = await manifest.logs(connection)
                about = Manifest(
                    format=manifest.FORMAT,
                    release=__version__,
                    made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    postgres=await manifest.postgres_version(connection),
                    migrations=await manifest.migrations(connection),
                    tables=await manifest.figures(connection),
                    logs={
                        show: msgspec.structs.replace(found, unrecorded=missing.get(show, 0))
                        for show, found in logs.items()
                    },
                    settings=dict(settings),
                    secrets_left_out=tuple(secrets_left_out),
                )
                on_progress("dumping the database")
                await tools.dump(dsn, snapshot, manifest.NOT_KEPT, dumped, bin_dir)
            files = [(archive.part_of(archive.DATABASE, dumped), dumped), *_media(media)]
            about = msgspec.structs.replace(about, parts=tuple(part for part, _ in files))
            archive.write(target, about, files, on_progress)
    except OSError as error:
        raise Mendable(
            f"The archive cannot be written: {error.strerror}", str(target), "Choose another folder."
        ) from error
    return about


def _check_place(target: Path) -> None:
    if target.exists():
        raise Mendable("There is a file of this name already", str(target), "Choose another name.")
    if not target.parent.is_dir():
        raise Mendable("There is no such folder", str(target.parent), "Make it first.")


def _media(folder: Path | None) -> list[tuple[Part, Path]]:
    if folder is None or not folder.is_dir():
        return []
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [(archive.part_of(f"media/{path.relative_to(folder)}", path), path) for path in paths]


async def _caught_up(pool: Pool, shards: Shards, on_progress: Progress, wait_s: float) -> dict[str, int]:
    """Waits until what is in the logs now is recorded; what of it is not in the end, by show."""
    rows = await pool.fetch("SELECT show FROM show_logs ORDER BY show LIMIT $1", SHOWS_MAX)
    goals: dict[str, tuple[int, int]] = {}
    for row in rows:
        show = row["show"]
        try:
            head = await ShowLog(show, shards).head()
        except (RedisError, OSError, TimeoutError) as error:
            on_progress(
                f"Redis cannot be asked what it still has ({error}): the archive has what is recorded"
            )
            return {}
        if head.epoch:
            goals[show] = (head.epoch, head.seq)
    began, told = time.monotonic(), False
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
        if not told:
            told = True
            on_progress(f"waiting for {sum(behind.values())} commands to be recorded")
        await asyncio.sleep(LOOK_S)


async def _lag(pool: Pool, show: str, goal: tuple[int, int]) -> int:
    mark = await store.watermark(pool, show)
    return 0 if mark is None or mark.epoch != goal[0] else goal[1] - mark.seq
