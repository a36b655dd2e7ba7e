"""How the queue stands: for the operator's page, for alarms and numbers; and what an operator does about dead jobs.

It runs no job and adds none.
"""

import asyncio
import logging

import asyncpg
import msgspec

from liveserver.infra.database import AWAY, Pool, Record, load_queries, transaction
from liveserver.jobs.library import CHANNEL
from liveserver.jobs.model import Every
from liveserver.kernel.errors import Rejected
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor
from liveserver.kernel.tasks import end

Q = load_queries("liveserver.jobs")
LOOK_MS = 10_000
"""How often numbers are read anew: one small query per node."""
NOTES_DAYS = 14
"""How long it is noted when jobs were added, taken and done: long enough to look after last week's accident."""
FORGET_AT_ONCE_MAX = 10_000
"""Lines dropped by one statement, so that none runs long."""
SHOWN_CHARACTERS_MAX = 4_000
"""Of a payload, an error or a traceback."""
ID_MAX = 2**63 - 1

JOB_NOT_FOUND = Rejected("job_not_found", "There is no such dead job: somebody has seen to it already.")
JOB_WAITS = Rejected(
    "job_waits", "The same thing waits to be done by now, so this one is not needed. Drop it."
)

log = logging.getLogger(__name__)


class KindStanding(msgspec.Struct, frozen=True):
    """One kind of job."""

    kind: str
    due: int
    """Could run now, and wait for a worker."""
    running: int
    dead: int
    oldest_due_ms: int
    """For how long the oldest of the due ones has been due."""
    planned: int = 0
    """For later: their time has not come, or they failed and wait before the next try."""
    next_ts: int | None = None
    """When the next of these is due, in ms."""


class Standing(msgspec.Struct, frozen=True):
    """All of it."""

    kinds: tuple[KindStanding, ...] = ()

    @property
    def dead(self) -> int:
        """Jobs that nobody tries any more."""
        return sum(kind.dead for kind in self.kinds)

    @property
    def oldest_due_ms(self) -> int:
        """For how long the queue has stood still, at most: the oldest due job's wait."""
        return max((kind.oldest_due_ms for kind in self.kinds), default=0)


class DeadJob(msgspec.Struct, frozen=True):
    """A job that is not tried any more."""

    id: int
    kind: str
    tries: int
    created_ts: int
    died_ts: int
    payload: str
    """What it is about, as JSON; mails without whom they are for."""
    error: str
    traceback: str


class _Said(msgspec.Struct):
    """The library's note of what went wrong."""

    exception_type: str = ""
    exception_message: str = ""
    traceback: str = ""


async def standing(pool: Pool) -> Standing:
    """What is due, running and dead, by kind; cheap however much is planned for later."""
    return Standing(tuple(_kind(row) for row in await pool.fetch(Q.standing)))


async def whole_standing(pool: Pool) -> Standing:
    """The same with what is planned for later; it counts all jobs."""
    kinds = {kind.kind: kind for kind in (await standing(pool)).kinds}
    for row in await pool.fetch(Q.planned):
        kind = kinds.get(row["kind"], KindStanding(row["kind"], 0, 0, 0, 0))
        kinds[kind.kind] = msgspec.structs.replace(kind, planned=row["planned"], next_ts=row["next_ts"])
    return Standing(tuple(kinds[name] for name in sorted(kinds)))


def _kind(row: Record) -> KindStanding:
    return KindStanding(row["kind"], row["due"], row["running"], row["dead"], row["oldest_due_ms"])


async def dead_jobs(pool: Pool, cursor: str | None = None, limit: int = 50) -> Page[DeadJob] | Rejected:
    """The dead ones, the newest first. Refusal: `bad_cursor`."""
    before = read_cursor(cursor, tuple[int]) if cursor else (ID_MAX,)
    if isinstance(before, Rejected):
        return before
    limit = page_limit(limit)
    found = [_dead(row) for row in await pool.fetch(Q.dead_jobs, before[0], limit + 1)]
    items = tuple(found[:limit])
    return Page(items, write_cursor(items[-1].id) if len(found) > limit else None)


def _dead(row: Record) -> DeadJob:
    try:
        said = msgspec.json.decode(row["said"] or "{}", type=_Said)
    except msgspec.MsgspecError:
        said = _Said()
    error = f"{said.exception_type}: {said.exception_message}" if said.exception_type else ""
    return DeadJob(
        id=row["id"],
        kind=row["kind"],
        tries=row["attempts"] + 1,
        created_ts=row["created_ts"],
        died_ts=row["died_ts"],
        payload=bytes(row["payload"] or b"").decode("utf-8", "replace")[:SHOWN_CHARACTERS_MAX],
        error=error[:SHOWN_CHARACTERS_MAX],
        traceback=said.traceback[-SHOWN_CHARACTERS_MAX:],
    )


async def retry(pool: Pool, job: int) -> str | Rejected:
    """Has a dead job tried again from the beginning; gives its kind. `job_not_found`; `job_waits` when another of its key does."""
    try:
        async with transaction(pool) as on:
            kind: str | None = await on.fetchval(Q.retry_dead, job)
            if kind is not None:
                await on.execute(Q.wake_workers, CHANNEL)
                return kind
            return JOB_WAITS if await on.fetchval(Q.is_dead, job) else JOB_NOT_FOUND
    except asyncpg.UniqueViolationError:
        return JOB_WAITS  # added in this very moment


async def drop(pool: Pool, job: int) -> str | Rejected:
    """Takes a dead job off the queue for good; gives its kind. `job_not_found`."""
    kind: str | None = await pool.fetchval(Q.drop_dead, job)
    return JOB_NOT_FOUND if kind is None else kind


async def forget(pool: Pool) -> int:
    """Drops old notes; how many."""
    dropped = 0
    while True:
        gone = len(await pool.fetch(Q.forget, NOTES_DAYS, FORGET_AT_ONCE_MAX))
        dropped += gone
        if gone < FORGET_AT_ONCE_MAX:
            await pool.execute(Q.forget_schedules, NOTES_DAYS)
            return dropped


def upkeep(pool: Pool) -> Every:
    """The regular job that keeps the notes short."""

    async def run() -> None:
        await forget(pool)

    return Every("jobs.forget", "17 3 * * *", run)


class QueueWatch:
    """The standing as a node last saw it, for numbers; looked at again every `LOOK_MS` while started."""

    def __init__(self, pool: Pool) -> None:
        self.standing = Standing()
        self._pool = pool
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.create_task(self._run(), name="watch jobs")

    async def aclose(self) -> None:
        """Stops looking."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                self.standing = await standing(self._pool)
            except AWAY as error:
                log.debug("jobs_not_seen", extra={"error": repr(error)})
            await asyncio.sleep(LOOK_MS / 1000)
