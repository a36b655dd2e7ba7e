"""Opens a show's log, or finds out whether the one that is there may go on.

Three cases: the show never had a log; the server was restarted with its log whole (it is fenced anew); the log, or its end,
was lost (the next epoch is seeded from the record). Only one node acts at a time: it holds the log's row in PostgreSQL. In
the last two cases it first waits until no living node knows more than the record does (`holders`).
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.errors import Mendable
from liveserver.rooms import holders, store
from liveserver.rooms.log import Head, ShowLog
from liveserver.rooms.logclock import APART_MAX_MS, LogClock

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 10
"""Each lost compare-and-set means that another node got further; ten in a row mean that something is wrong."""

Gather: TypeAlias = Callable[[], Awaitable[None]]


async def ensure_open(pool: Pool, show_log: ShowLog, clock: LogClock, gather: Gather) -> Head:
    """The head of a log that takes appends from the present server.

    `gather` is awaited before anything is changed; it returns when all that any living node has of the show is recorded
    (`holders`). Raises Mendable when the log can't be had without an operator: clocks disagree, or its chain contradicts the
    record. RedisError, PostgresError, OSError and TimeoutError pass through: try again.
    """
    show = show_log.show
    gathered = False
    for _ in range(ATTEMPTS_MAX):
        # The record first: read after it, a log that others go on appending to and recording can't seem to fall short of it.
        mark = await store.watermark(pool, show)
        if mark is None:
            await pool.execute(store.QUERIES.create_log, show)
            continue
        head = await show_log.head()
        await _agree_on_time(pool, head, clock)
        whole = await _holds(show_log, head, mark)
        if not whole and head.epoch > mark.epoch:
            raise Mendable(
                f"The log of show {show} is of epoch {head.epoch}, its record of epoch {mark.epoch}, and they differ",
                "Redis and PostgreSQL",
                "They belong to different installations, or PostgreSQL was restored from an old backup: "
                "point the server at the Redis that belongs to this database, then run liveserver verify.",
            )
        if whole and head.epoch != mark.epoch:
            # A node opened this epoch and died before it could say so in PostgreSQL.
            await pool.execute(store.QUERIES.adopt_epoch, show, head.epoch)
        elif whole and head.run == head.own_run:
            return head
        elif not gathered:
            # Then everything is looked at anew: what others knew is in the record now, and the log may fall short of it.
            await gather()
            gathered = True
        elif not whole and head.recorded > mark.seq:
            # Nodes and record agree that nobody knows more, and Redis was told once that more was recorded.
            raise Mendable(
                f"The record of show {show} ends at {mark.seq}, and was at {head.recorded} before: "
                f"the log, which stands at {head.seq}, has nothing left to fill the gap",
                "Redis and PostgreSQL",
                "PostgreSQL was restored from an old backup, or belongs to another installation. If the record is to count, empty "
                "that Redis; else restore the database that belongs to it (docs/operating/backup.md).",
            )
        else:
            gathered = await (_fence(pool, show_log, head, mark) if whole else _rebuild(pool, show_log, head))
    raise Mendable(
        f"The log of show {show} could not be opened in {ATTEMPTS_MAX} attempts",
        "Redis and PostgreSQL",
        "Other nodes keep changing it: look at their logs for log_rebuilt.",
    )


async def _holds(show_log: ShowLog, head: Head, mark: store.Watermark) -> bool:
    """Whether the log contains what is recorded: the entry at the watermark, with the same hash."""
    if head.epoch < mark.epoch or head.seq < mark.seq or head.epoch == 0:
        return False
    if head.seq == mark.seq:
        return head.hash == mark.hash
    after = await show_log.read(head.epoch, mark.seq, 1)
    # Behind the watermark nothing is ever trimmed, so the next entry is there and names the one it follows.
    return bool(after) and after[0].first == mark.seq + 1 and after[0].prev == mark.hash


async def _fence(pool: Pool, show_log: ShowLog, head: Head, mark: store.Watermark) -> bool:
    """Lets the present server go on with a log that is whole. False when somebody holds it again: gather anew."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(store.QUERIES.lock_log, show_log.show, "", False)
        if not await holders.all_yielded(connection, show_log.show):
            return False
        assert row is not None, "the caller has read this row, and none is ever deleted"
        if (row["epoch"], row["recorded_seq"]) == (mark.epoch, mark.seq) and await show_log.fence(head):
            log.warning("log_fenced", show=show_log.show, epoch=head.epoch, seq=head.seq)
    return True


async def _rebuild(pool: Pool, show_log: ShowLog, head: Head) -> bool:
    """Seeds the next epoch from the record, unless the log changed since `head` was read. False as for `_fence`."""
    show = show_log.show
    async with transaction(pool) as connection:
        row = await connection.fetchrow(store.QUERIES.lock_log, show, "", False)
        if not await holders.all_yielded(connection, show):
            return False
        assert row is not None, "the caller has read this row, and none is ever deleted"
        epoch = max(int(row["epoch"]), head.epoch) + 1
        opened = await show_log.open(
            epoch, row["recorded_seq"], row["recorded_ts"], row["recorded_hash"], head
        )
        if opened:
            await connection.execute(store.QUERIES.adopt_epoch, show, epoch)
            if head.epoch == 0 and row["recorded_seq"] == 0:
                log.info("log_opened", show=show, epoch=epoch)
            else:
                log.warning(
                    "log_rebuilt", show=show, epoch=epoch, seq=row["recorded_seq"], lost_head=head.seq
                )
    return True


async def _agree_on_time(pool: Pool, head: Head, clock: LogClock) -> None:
    clock.observe(head.now_ms)
    if not clock.disputed and head.ts - head.now_ms <= APART_MAX_MS:
        return
    third_ms = int(await pool.fetchval(store.QUERIES.clock))
    if clock.settle(head.now_ms, third_ms) and head.ts - head.now_ms <= APART_MAX_MS:
        return
    raise Mendable(
        f"Clocks disagree: Redis says {head.now_ms} ms, PostgreSQL {third_ms} ms, this node {clock.now_ms()} ms, "
        f"the last entry was stamped {head.ts} ms",
        "the machines' clocks",
        "Bring them together with NTP. Lots stay paused until they are within a second, or until the nodes are restarted "
        "because Redis's clock is right now and was wrong before.",
    )
