"""Writes a room's entries and facts to PostgreSQL, with what follows from them, in one transaction at a time.

Every node that holds the room keeps the unrecorded tail and could record it; a lease in the log's row says who does, so
that work is not done twice, and a process that does nothing else has preference. Right is only the watermark: a transaction
that does not continue it changes nothing.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
import structlog

from liveserver.infra import database
from liveserver.infra.database import Connection, Pool, Record, transaction
from liveserver.infra.tracing import span
from liveserver.kernel.tasks import end
from liveserver.rooms import store
from liveserver.rooms.log import UNRECORDED_MAX
from liveserver.rooms.model import Entry, Fact
from liveserver.rooms.room import Applied, LogBroken

log = structlog.get_logger(__name__)

COMMANDS_MAX = 5_000
"""Commands recorded in one transaction: some 60 ms of PostgreSQL's time. Twice as many gained nothing, and let sales wait."""
GATHER_S = 0.02
"""Pause after a transaction that left little: what arrives meanwhile shares the next one's fsync, which competes with the
log's own. The first entry after a silence is written at once."""
LEASE_MS = 3_000
"""How long a silent recorder keeps others from recording."""
POLL_S = 0.25
"""How often the others look how far it is, while they have something that is not recorded."""
RETRY_S = 0.25
"""Pause after PostgreSQL refused or was away; the tail waits meanwhile."""

AWAY = database.AWAY
"""What PostgreSQL's absence looks like."""

Projector: TypeAlias = Callable[[Connection, str, Sequence[store.NewFact]], Awaitable[None]]
"""What a domain writes from a show's facts, in the recording transaction."""


class Counts(msgspec.Struct):
    """What one process has recorded since it started, over all rooms."""

    transactions: int = 0
    commands: int = 0
    facts: int = 0
    busy_s: float = 0.0
    """Time within recording transactions."""


class Numbers(msgspec.Struct, frozen=True):
    """How far recording is, and what it did, in one process."""

    lag_commands: int
    """Commands of the show that is furthest behind."""
    lag_ms: int
    """Age of the oldest unrecorded entry of any show."""
    counts: Counts


class Tailed(msgspec.Struct):
    """An entry that may not be recorded yet, with the room's state behind it where a snapshot is due."""

    entry: Entry
    facts: list[tuple[int, Fact]]
    dump: bytes | None


class Recorder:
    """The recording side of one room.

    `recorded` is called after each move of the watermark that this node notices; `broken` when the record contradicts the
    room (then the room must be rebuilt). A `dedicated` one takes the lease also from a node that serves.
    """

    def __init__(
        self,
        pool: Pool,
        show: str,
        node: str,
        projectors: Sequence[Projector],
        recorded: Callable[[int], Awaitable[None]],
        broken: Callable[[LogBroken], None],
        *,
        counts: Counts | None = None,
        dedicated: bool = False,
        unrecorded_max: int = UNRECORDED_MAX,
    ) -> None:
        self.seq = 0
        """The watermark as last seen."""
        self.standby = False
        """Whether another holds the lease: it records and takes the snapshots, here its progress is watched."""
        self.well = True
        """Whether it can write, as far as is known: only then the lease is worth keeping. Failing ends it, writing restores it."""
        self._pool = pool
        self._show = show
        self._node = node
        self._projectors = projectors
        self._recorded = recorded
        self._broken = broken
        self._counts = Counts() if counts is None else counts
        self._dedicated = dedicated
        self._unrecorded_max = unrecorded_max
        # Facts stay with their entries in standby too: taking over then needs nothing but PostgreSQL, even when Redis has
        # lost the log. What is recorded leaves within a poll, and the log refuses what would make this grow without bound.
        self._tail: deque[Tailed] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Commands applied here and not yet known to be recorded: the recorder's lag."""
        return self._waiting

    @property
    def waiting_since_ts(self) -> int | None:
        """Time of the oldest entry that is not known to be recorded, or None when all are."""
        return self._tail[0].entry.ts if self._tail else None

    def start(self, seq: int) -> None:
        """Begins at a room's position, with an empty tail."""
        self.seq = seq
        self._tail.clear()
        self._waiting = 0
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"record {self._show}")

    def take(self, applied: Applied, dump: bytes | None) -> None:
        """Adds an applied entry to the tail. The log refuses new commands long before this grows without bound."""
        self._tail.append(Tailed(applied.entry, applied.facts, dump))
        self._waiting += applied.entry.count
        assert self._waiting <= 2 * self._unrecorded_max, (
            "the log refuses what is too far ahead of the record"
        )
        self._wake.set()

    async def flush(self, stall_s: float) -> bool:
        """Records the whole tail, whoever holds the lease. False when it did not get on for so long.

        A holder that is at it is not raced: its transaction holds the row, and the next look finds what it did.
        """
        with contextlib.suppress(*AWAY):
            while self._tail:
                async with asyncio.timeout(stall_s):
                    await self._record(force=True)
        return not self._tail

    async def aclose(self, stall_s: float = 5.0) -> None:
        """Records what is left, and lets another node go on."""
        await end(self._task)
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(stall_s):
                # Also where another records: a holder may only let go of what it knows to be recorded.
                await self.flush(stall_s)
                await self._pool.execute(store.QUERIES.give_up_lease, self._show, self._node)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            pause_s = 0.0
            try:
                # First without a lock: who records should not have to wait for those who only want to know.
                self.standby = self.standby and await self._look()
                if not self.standby:
                    with span("record", show=self._show, waiting=self._waiting):
                        self.standby = not await self._record(force=False)
                if self.standby:
                    pause_s = POLL_S
                elif self._waiting < COMMANDS_MAX:
                    pause_s = GATHER_S
            except LogBroken as error:
                self._broken(error)
                self.well, pause_s = False, RETRY_S
            except AWAY as error:
                # Whether it committed is not known; the next attempt reads the watermark again (faults.md, row 28).
                log.warning("recording_failed", show=self._show, waiting=self._waiting, error=repr(error))
                self.well, pause_s = False, RETRY_S
            except Exception:
                # A projector broke its promise. Ending here would let the tail grow in silence; trying again tells again.
                log.exception("recording_broken", show=self._show, waiting=self._waiting)
                self.well, pause_s = False, LEASE_MS / 1000
            if not self._tail:
                self._wake.clear()
            if pause_s:
                await asyncio.sleep(pause_s)

    async def _look(self) -> bool:
        """Follows the record without taking part. Returns whether another's lease still stands."""
        async with self._lock:
            row = await self._pool.fetchrow(
                store.QUERIES.look_at_log, self._show, self._node, self._dedicated
            )
            moved = self._follow(row)
        if moved:
            await self._recorded(self.seq)
        assert row is not None, "_follow has seen it"
        return bool(row["leased_elsewhere"])

    async def _record(self, *, force: bool) -> bool:
        """One transaction. Returns whether this node was the one to record."""
        async with self._lock:
            async with transaction(self._pool) as connection:
                row = await connection.fetchrow(
                    store.QUERIES.lock_log, self._show, self._node, self._dedicated
                )
                began_s = time.perf_counter()  # not before: waiting for another's transaction is no work
                moved = self._follow(row)
                assert row is not None, "_follow has seen it"
                mine = force or not row["leased_elsewhere"]
                part = self._part() if mine else []
                facts = 0
                if part:
                    facts = await self._write(connection, row["recorded_seq"], row["recorded_hash"], part)
            if part:
                # By position: the room may have been rebuilt meanwhile, and its tail begun anew.
                moved = self._drop(part[-1].entry.last)
                self.well = True
                self._counts.transactions += 1
                self._counts.commands += sum(tailed.entry.count for tailed in part)
                self._counts.facts += facts
                self._counts.busy_s += time.perf_counter() - began_s
        if moved:
            await self._recorded(self.seq)
        return mine

    def _follow(self, row: Record | None) -> bool:
        """Drops what is recorded. Returns whether the watermark has moved. Raises LogBroken when it is on another branch."""
        assert row is not None, "a room is opened only when its log's row is there"
        seq, hash = int(row["recorded_seq"]), row["recorded_hash"]
        for tailed in self._tail:
            entry = tailed.entry
            if entry.last == seq and entry.hash != hash:
                raise LogBroken(
                    f"show {self._show}: the record's entry {seq} is {hash}, this room's {entry.hash}"
                )
            if entry.last >= seq:
                break
        return self._drop(seq)

    def _drop(self, seq: int) -> bool:
        while self._tail and self._tail[0].entry.last <= seq:
            self._waiting -= self._tail.popleft().entry.count
        moved = seq > self.seq
        self.seq = max(self.seq, seq)
        return moved

    def _part(self) -> list[Tailed]:
        part: list[Tailed] = []
        commands = 0
        for tailed in self._tail:
            part.append(tailed)
            commands += tailed.entry.count
            if commands >= COMMANDS_MAX:
                break
        return part

    async def _write(self, connection: Connection, seq: int, hash: str, part: Sequence[Tailed]) -> int:
        first, last = part[0].entry, part[-1].entry
        if first.first != seq + 1 or first.prev != hash:
            raise LogBroken(
                f"show {self._show}: the record ends at {seq} ({hash}), this room goes on at {first.first} ({first.prev})"
            )
        facts = store.fact_rows(part)
        await store.insert(connection, self._show, [tailed.entry for tailed in part], facts)
        for projector in self._projectors:
            await projector(connection, self._show, facts)
        dumps = [(tailed.entry, tailed.dump) for tailed in part if tailed.dump is not None]
        if dumps:
            entry, dump = dumps[-1]
            await store.insert_snapshot(connection, self._show, entry.last, entry.epoch, entry.hash, dump)
        moved = await connection.fetchval(
            store.QUERIES.move_watermark,
            self._show,
            seq,
            last.last,
            last.ts,
            last.hash,
            self._node,
            LEASE_MS,
            self._dedicated,
        )
        assert moved == last.last, "the row was locked, so nobody moved the watermark meanwhile"
        return len(facts)
