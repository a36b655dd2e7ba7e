"""A show as PostgreSQL has it after a fault: the bids that count, the lots' ends, and which commands were sent twice. No judgement."""

from bisect import bisect_right
from typing import Any

import msgspec

from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.model import Batch

RESULTS = frozenset({"lot_sold", "lot_passed"})


class Record(msgspec.Struct):
    """What is recorded of one show."""

    bids: dict[int, dict[str, Any]] = {}
    """Payloads of `bid_accepted` by sequence number, with their `ts`."""
    results: dict[str, list[store.FactRow]] = {}
    hammers: dict[str, list[store.FactRow]] = {}
    opened: set[str] = set()
    repeats: dict[int, int] = {}
    """Of commands that were sent again: the sequence number of the first, which was decided, by the repetition's."""
    epochs: list[int] = []
    """Those that have entries, in order."""
    epochs_begin: list[int] = []
    """The first sequence number of each."""

    def epoch_of(self, seq: int) -> int:
        """The epoch that the recorded command of that number was appended in."""
        at = bisect_right(self.epochs_begin, seq)
        return self.epochs[at - 1] if at else 0


async def read(pool: Pool, show: str) -> Record:
    """The record of a show as it is now."""
    record = Record()
    await _read_entries(pool, show, record)
    after = 0
    while facts := await store.facts_after(pool, show, after):
        if len(facts) == store.READ_MAX and facts[0].seq < facts[-1].seq:
            # The limit may have cut the last number's facts in two: it is read again.
            facts = [fact for fact in facts if fact.seq < facts[-1].seq]
        for fact in facts:
            _take(record, fact)
        after = facts[-1].seq
    return record


async def _read_entries(pool: Pool, show: str, record: Record) -> None:
    first: dict[tuple[str, str, int], int] = {}
    after = 0
    while entries := await store.entries_after(pool, show, after):
        for entry in entries:
            if entry.epoch not in record.epochs:
                record.epochs.append(entry.epoch)
                record.epochs_begin.append(entry.first)
            commands = msgspec.msgpack.decode(entry.payload, type=Batch).commands
            for seq, command in enumerate(commands, entry.first):
                if command.client:
                    known = first.setdefault((command.actor.id, command.client, command.number), seq)
                    if known != seq:
                        record.repeats[seq] = known
        after = entries[-1].last


def _take(record: Record, fact: store.FactRow) -> None:
    lot = str(fact.payload.get("lot", ""))
    if fact.kind == "bid_accepted":
        record.bids[fact.seq] = {**fact.payload, "ts": fact.ts}
    elif fact.kind == "lot_opened":
        record.opened.add(lot)
    elif fact.kind == "lot_hammered":
        record.hammers.setdefault(lot, []).append(fact)
    elif fact.kind in RESULTS:
        record.results.setdefault(lot, []).append(fact)
