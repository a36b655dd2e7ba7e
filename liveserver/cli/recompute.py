"""Recomputes a recorded show from its log and compares every step with the record. It changes nothing and prints nothing.

What is compared: the chain of entries, every fact, every kept snapshot, the watermark, and the chains of the lots. The
first difference ends it: what comes after one is its consequence.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from liveserver.auction import chain
from liveserver.auction.model import LotFact
from liveserver.infra.database import Pool
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.log import is_whole
from liveserver.rooms.model import Entry, Feature
from liveserver.rooms.recovery import take
from liveserver.rooms.room import LogBroken, Room


class Difference(msgspec.Struct, frozen=True):
    """Where record and recomputation part. `seq` is the command's sequence number."""

    seq: int
    what: str
    recorded: Any
    computed: Any


class Report(msgspec.Struct):
    """What was compared, and the first difference if there is one."""

    show: str
    ok: bool = True
    epochs: int = 0
    entries: int = 0
    commands: int = 0
    facts: int = 0
    snapshots: int = 0
    lots: int = 0
    head: str = ""
    difference: Difference | None = None


class _Parted(Exception):
    def __init__(self, seq: int, what: str, recorded: Any, computed: Any) -> None:
        super().__init__(what)
        self.difference = Difference(seq, what, recorded, computed)


async def verify(pool: Pool, show: str, features: Sequence[Feature]) -> Report:
    """The report for a show. Raises Mendable when there is no such log."""
    mark = await store.watermark(pool, show)
    if mark is None:
        raise Mendable(
            f"No log of a show {show!r} is recorded",
            "the database",
            "Take the id from the show page's address.",
        )
    report = Report(show)
    comparison = _Comparison(pool, Room(show, features), report)
    try:
        await comparison.run(mark)
    except _Parted as parted:
        report.ok, report.difference = False, parted.difference
    return report


class _Comparison:
    def __init__(self, pool: Pool, room: Room, report: Report) -> None:
        self._pool = pool
        self._room = room
        self._report = report
        self._heads: dict[str, str] = {}
        self._recorded_facts = _facts(pool, room.show)

    async def run(self, mark: store.Watermark) -> None:
        dumps = {row["seq"]: row for row in await self._pool.fetch(store.QUERIES.snapshots, self._room.show)}
        epoch = 0
        # A recorder may be writing meanwhile: what it adds behind the watermark read above is not looked at.
        while self._room.seq < mark.seq:
            entries = await store.entries_after(self._pool, self._room.show, self._room.seq)
            if not entries:
                raise _Parted(
                    self._room.seq + 1, "the log ends before the watermark", mark.seq, self._room.seq
                )
            for entry in entries:
                if entry.last > mark.seq:
                    break
                self._report.epochs += entry.epoch != epoch
                epoch = entry.epoch
                await self._entry(entry)
                if entry.last in dumps:
                    self._snapshot(dumps.pop(entry.last))
        if (mark.seq, mark.ts, mark.hash) != (self._room.seq, self._room.ts, self._room.head):
            at_end = [self._room.seq, self._room.ts, self._room.head]
            raise _Parted(
                mark.seq, "the watermark is not the last entry", [mark.seq, mark.ts, mark.hash], at_end
            )
        extra = await anext(self._recorded_facts, None)
        if extra is not None and extra.seq <= mark.seq:
            raise _Parted(extra.seq, "the record has a fact more", msgspec.to_builtins(extra), None)
        for seq in dumps:
            if seq <= mark.seq:
                raise _Parted(seq, "a snapshot stands inside an entry, not at its end", seq, None)
        self._report.lots = len(self._heads)
        self._report.head = self._room.head

    async def _entry(self, entry: Entry) -> None:
        room = self._room
        if entry.first != room.seq + 1:
            raise _Parted(room.seq + 1, "an entry is missing", entry.first, room.seq + 1)
        if entry.prev != room.head:
            raise _Parted(entry.first, "the entry does not continue the one before", entry.prev, room.head)
        if not is_whole(entry):
            raise _Parted(
                entry.first, "the entry's content does not match its hash", entry.hash, "another hash"
            )
        if entry.ts < room.ts:
            raise _Parted(entry.first, "time runs backwards", entry.ts, room.ts)
        try:
            applied = take(room, entry)
        except LogBroken as error:
            raise _Parted(entry.first, f"the entry can't be applied: {error}", entry.hash, None) from error
        self._report.entries += 1
        self._report.commands += entry.count
        for computed in store.fact_rows([applied]):
            await self._fact(computed)
        for seq, fact in applied.facts:
            if isinstance(fact, LotFact):
                head = chain.next_head(self._heads.get(fact.lot, ""), fact, seq, entry.ts)
                if head != fact.head:
                    raise _Parted(seq, f"the chain of lot {fact.lot} is broken", fact.head, head)
                self._heads[fact.lot] = head

    async def _fact(self, computed: store.NewFact) -> None:
        recorded = await anext(self._recorded_facts, None)
        # Its payload comes through JSON, as the record keeps it: tuples become lists there, and so on.
        row = store.FactRow(computed.seq, computed.idx, computed.ts, computed.kind, computed.payload)
        expected = msgspec.to_builtins(row)
        found = None if recorded is None else msgspec.to_builtins(recorded)
        if found != expected:
            what = (
                f"the record lacks the fact {computed.kind}" if found is None else "a recorded fact differs"
            )
            raise _Parted(computed.seq, what, found, expected)
        self._report.facts += 1

    def _snapshot(self, row: Any) -> None:
        dump: bytes = row["dump"]
        if hashlib.sha256(dump).digest() != row["digest"]:
            raise _Parted(
                row["seq"], "a snapshot does not match its digest", row["digest"].hex(), _digest(dump)
            )
        if dump != self._room.dump():
            raise _Parted(
                row["seq"],
                "a snapshot is not the recomputed state",
                _digest(dump),
                _digest(self._room.dump()),
            )
        self._report.snapshots += 1


def _digest(dump: bytes) -> str:
    return hashlib.sha256(dump).hexdigest()


async def _facts(pool: Pool, show: str) -> AsyncIterator[store.FactRow]:
    """Recorded facts in order, a page at a time; pages end between commands, so that none is cut."""
    after = 0
    while rows := await store.facts_after(pool, show, after, store.READ_MAX):
        if len(rows) == store.READ_MAX and rows[0].seq != rows[-1].seq:
            rows = [row for row in rows if row.seq != rows[-1].seq]
        for row in rows:
            yield row
        after = rows[-1].seq
