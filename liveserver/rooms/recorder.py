"""Writes a room's entries and facts to PostgreSQL, with what follows from them, in one transaction at a time.

Every node that holds the room keeps the unrecorded tail and could record it; a lease in the log's row says who does, so
that work is not done twice. Right is only the watermark: a transaction that does not continue it changes nothing.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg
import msgspec
import structlog

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.tasks import end
from liveserver.rooms import store
from liveserver.rooms.log import UNRECORDED_MAX
from liveserver.rooms.room import Applied, LogBroken

log = structlog.get_logger(__name__)

COMMANDS_MAX = 5_000
"""Commands recorded in one transaction: long enough to be fast, short enough to keep sales waiting only briefly."""
LEASE_MS = 3_000
"""How long a silent recorder keeps others from recording."""
POLL_S = 0.5
"""How often the others look how far it is."""
RETRY_S = 0.25
"""Pause after PostgreSQL refused or was away; the tail waits meanwhile."""

Projector: TypeAlias = Callable[[Connection, str, Sequence[store.NewFact]], Awaitable[None]]
"""What a domain writes from a show's facts, in the recording transaction."""


class Tailed(msgspec.Struct):
    """An entry that may not be recorded yet, with the room's state behind it where a snapshot is due."""

    applied: Applied
    dump: bytes | None


class Recorder:
    """The recording side of one room.

    `recorded` is called after each move of the watermark that this node notices; `broken` when the record contradicts the
    room (then the room must be rebuilt).
    """

    def __init__(
        self,
        pool: Pool,
        show: str,
        node: str,
        projectors: Sequence[Projector],
        recorded: Callable[[int], Awaitable[None]],
        broken: Callable[[LogBroken], None],
    ) -> None:
        self.seq = 0
        """The watermark as last seen."""
        self._pool = pool
        self._show = show
        self._node = node
        self._projectors = projectors
        self._recorded = recorded
        self._broken = broken
        self._tail: deque[Tailed] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Commands applied here and not yet known to be recorded: the recorder's lag."""
        return self._waiting

    def start(self, seq: int) -> None:
        """Begins at a room's position, with an empty tail."""
        self.seq = seq
        self._tail.clear()
        self._waiting = 0
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"record {self._show}")

    def take(self, applied: Applied, dump: bytes | None) -> None:
        """Adds an applied entry to the tail. The log refuses new commands long before this grows without bound."""
        self._tail.append(Tailed(applied, dump))
        self._waiting += applied.entry.count
        assert self._waiting <= 2 * UNRECORDED_MAX, "the log refuses what is too far ahead of the record"
        self._wake.set()

    async def flush(self, timeout_s: float) -> bool:
        """Records the whole tail, whoever holds the lease. False when that did not succeed in time."""
        with contextlib.suppress(TimeoutError, asyncpg.PostgresError, OSError):
            async with asyncio.timeout(timeout_s):
                while self._tail:
                    await self._record(force=True)
        return not self._tail

    async def aclose(self, timeout_s: float = 5.0) -> None:
        """Records what is left and lets another node go on."""
        await end(self._task)
        await self.flush(timeout_s)
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await self._pool.execute(store.QUERIES.give_up_lease, self._show, self._node)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            try:
                mine = await self._record(force=False)
                pause_s = 0.0 if mine else POLL_S
            except LogBroken as error:
                self._broken(error)
                pause_s = RETRY_S
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                # Whether it committed is not known; the next attempt reads the watermark again (faults.md, row 28).
                log.warning("recording_failed", show=self._show, waiting=self._waiting, error=repr(error))
                pause_s = RETRY_S
            if not self._tail:
                self._wake.clear()
            if pause_s:
                await asyncio.sleep(pause_s)

    async def _record(self, *, force: bool) -> bool:
        """One transaction. Returns whether this node was the one to record."""
        async with self._lock:
            async with transaction(self._pool) as connection:
                row = await connection.fetchrow(store.QUERIES.lock_log, self._show, self._node)
                assert row is not None, "a room is opened only when its log's row is there"
                self._drop_recorded(row["recorded_seq"], row["recorded_hash"])
                mine = force or not row["leased_elsewhere"]
                part = self._part() if mine else []
                if part:
                    await self._write(connection, row["recorded_seq"], row["recorded_hash"], part)
            last = part[-1].applied.entry.last if part else int(row["recorded_seq"])
            for _ in part:
                self._waiting -= self._tail.popleft().applied.entry.count
            moved = last > self.seq
            self.seq = max(self.seq, last)
        if moved:
            await self._recorded(self.seq)
        return mine

    def _drop_recorded(self, seq: int, hash: str) -> None:
        while self._tail and self._tail[0].applied.entry.last <= seq:
            entry = self._tail.popleft().applied.entry
            self._waiting -= entry.count
            if entry.last == seq and entry.hash != hash:
                raise LogBroken(
                    f"show {self._show}: the record's entry {seq} is {hash}, this room's {entry.hash}"
                )

    def _part(self) -> list[Tailed]:
        part: list[Tailed] = []
        commands = 0
        for tailed in self._tail:
            part.append(tailed)
            commands += tailed.applied.entry.count
            if commands >= COMMANDS_MAX:
                break
        return part

    async def _write(self, connection: Connection, seq: int, hash: str, part: Sequence[Tailed]) -> None:
        first, last = part[0].applied.entry, part[-1].applied.entry
        if first.first != seq + 1 or first.prev != hash:
            raise LogBroken(
                f"show {self._show}: the record ends at {seq} ({hash}), this room goes on at {first.first} ({first.prev})"
            )
        facts = store.fact_rows([t.applied for t in part])
        await store.insert(connection, self._show, [t.applied.entry for t in part], facts)
        for projector in self._projectors:
            await projector(connection, self._show, facts)
        dumps = [(t.applied.entry, t.dump) for t in part if t.dump is not None]
        if dumps:
            entry, dump = dumps[-1]
            await store.insert_snapshot(connection, self._show, entry.last, entry.epoch, entry.hash, dump)
        moved = await connection.fetchval(
            store.QUERIES.move_watermark, self._show, seq, last.last, last.ts, last.hash, self._node, LEASE_MS
        )
        assert moved == last.last, "the row was locked, so nobody moved the watermark meanwhile"
