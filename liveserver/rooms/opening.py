"""Opens a show's log, or finds out whether the one that is there may go on.

Three cases: the show never had a log; the server was restarted with its log whole (it is fenced anew); the log, or its end,
was lost (the next epoch is seeded from the record). Only one node acts at a time: it holds the log's row in PostgreSQL.
"""

import structlog

from liveserver.infra.database import Pool, transaction
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.log import Head, ShowLog
from liveserver.rooms.logclock import APART_MAX_MS, LogClock

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 10
"""Each lost compare-and-set means that another node got further; ten in a row mean that something is wrong."""


async def ensure_open(pool: Pool, show_log: ShowLog, clock: LogClock) -> Head:
    """The head of a log that takes appends from the present server.

    Raises Mendable when it can't be had without an operator: clocks disagree, or the log's chain contradicts the record.
    RedisError, PostgresError and OSError pass through: try again.
    """
    show = show_log.show
    for _ in range(ATTEMPTS_MAX):
        head = await show_log.head()
        await _agree_on_time(pool, head, clock)
        mark = await store.watermark(pool, show)
        if mark is None:
            await pool.execute(store.QUERIES.create_log, show)
        elif not await _holds(show_log, head, mark):
            if head.epoch > mark.epoch:
                raise Mendable(
                    f"The log of show {show} is of epoch {head.epoch}, its record of epoch {mark.epoch}, and they differ",
                    "Redis and PostgreSQL",
                    "They belong to different installations, or PostgreSQL was restored from an old backup: "
                    "point the server at the Redis that belongs to this database, then run liveserver verify.",
                )
            await _rebuild(pool, show_log, head)
        elif head.epoch != mark.epoch:
            # A node opened this epoch and died before it could say so in PostgreSQL.
            await pool.execute(store.QUERIES.adopt_epoch, show, head.epoch)
        elif head.run == head.own_run or await show_log.fence(head):
            return head
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


async def _rebuild(pool: Pool, show_log: ShowLog, head: Head) -> None:
    """Seeds the next epoch from the record, unless the log changed since `head` was read."""
    show = show_log.show
    async with transaction(pool) as connection:
        row = await connection.fetchrow(store.QUERIES.lock_log, show, "", False)
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
        "Bring them together with NTP; lots stay paused until they are within a second.",
    )
