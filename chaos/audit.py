"""Compares what a crowd was told with the record, after a fault is over: what was lost, doubled, reordered, or decided twice.

It looks from outside: at the crowd's notes, at PostgreSQL's facts and entries, and at what `liveserver verify` says. It does
not judge how long something took.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from chaos.crowd import Crowd
from chaos.viewers import Reset, Span, Viewer
from chaos.world import World
from liveserver.auction.feature import Auction
from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import verify
from liveserver.client import LiveClient
from liveserver.infra.database import Pool
from liveserver.rooms import store
from liveserver.rooms.model import Batch

RESULTS = frozenset({"lot_sold", "lot_passed"})
VIEW_MAX_MS = 20_000
AWAY = re.compile(r"asyncpg\.|redis\.|OSError|TimeoutError|Connection\w*Error|FileNotFoundError")
"""How exceptions begin that only say that an engine is away."""


class Findings(msgspec.Struct):
    """What the audit counted. All but the first group must be 0 or empty."""

    acknowledged: int = 0
    recorded: int = 0
    """Bids that count, in the record."""
    lots: int = 0
    epochs: int = 0
    events: int = 0
    """Ordered events that all viewers heard together."""
    resumes: int = 0
    snapshots: int = 0
    """Times that a viewer was given a snapshot instead of what was missed."""

    lost: int = 0
    """Bids that were acknowledged and are not in the record as they were acknowledged."""
    duplicates: int = 0
    """Commands of one client's one number that counted more than once."""
    missed: int = 0
    """Events that a viewer should have heard and did not."""
    repeated: int = 0
    reordered: int = 0
    invented: int = 0
    """Bids shown to a viewer who went on in the same epoch, that the record does not have."""
    results: int = 0
    """Lots that do not have exactly one result."""
    late: int = 0
    """Bids that count though they came after the hammer."""
    views: int = 0
    """Nodes that show a lot's result differently from the record."""
    verify: str = ""
    """What `liveserver verify` found."""
    tracebacks: int = 0
    """Exceptions in nodes' logs that say something else than that an engine is away: mistakes of ours."""

    @property
    def broken(self) -> list[str]:
        """The bars that were broken, in words."""
        counted = (
            "lost",
            "duplicates",
            "missed",
            "repeated",
            "reordered",
            "invented",
            "results",
            "late",
            "views",
        )
        found = [f"{name}: {getattr(self, name)}" for name in counted if getattr(self, name)]
        found += [f"verify: {self.verify}"] if self.verify else []
        found += [f"tracebacks: {self.tracebacks}"] if self.tracebacks else []
        return found


async def audit(world: World, crowd: Crowd) -> Findings:
    """The findings. Call it when all is recorded, with at least one node alive."""
    pool = await world.pool()
    record = await _Record.read(pool, crowd.show)
    found = Findings(acknowledged=len(crowd.acknowledged), recorded=len(record.bids), epochs=record.epochs)
    for bid in crowd.acknowledged:
        kept = record.bids.get(record.first.get(bid.seq, bid.seq))
        found.lost += kept is None or (kept["bidder"], kept["amount"], kept["lot"]) != (
            bid.bidder, bid.amount, bid.lot,
        )  # fmt: skip
    found.duplicates = record.doubled
    _lots(found, record, crowd)
    for viewer in crowd.viewers:
        _heard(found, viewer, record, _told_to_anybody(crowd.viewers))
    found.views = await _nodes_that_differ(world, crowd, record)
    report = await verify(pool, crowd.show, FEATURES)
    found.verify = "" if report.difference is None else f"{report.difference.seq}: {report.difference.what}"
    found.tracebacks = sum(_failed(node.said) for node in world.nodes)
    return found


class _Record(msgspec.Struct):
    """What PostgreSQL has of the show."""

    bids: dict[int, dict[str, Any]]
    """Facts of bids that count, by sequence number; with their `ts`."""
    results: dict[str, list[store.FactRow]]
    hammers: dict[str, store.FactRow]
    opened: dict[str, dict[str, Any]]
    first: dict[int, int]
    """Of a command that was sent again: the sequence number of the first, which decided, by the repetition's. An answer names
    the place of what was answered."""
    doubled: int
    epochs: int

    @classmethod
    async def read(cls, pool: Pool, show: str) -> "_Record":
        record = cls({}, defaultdict(list), {}, {}, {}, 0, 0)
        after = 0
        while facts := await store.facts_after(pool, show, after):
            # Facts of one sequence number may be cut in two by the limit: that number is read again.
            whole = [fact for fact in facts if fact.seq < facts[-1].seq] or facts
            for fact in whole if len(facts) == store.READ_MAX else facts:
                record._take(fact)
                after = fact.seq
        first: dict[tuple[str, str, int], int] = {}
        epochs: set[int] = set()
        after = 0
        while entries := await store.entries_after(pool, show, after):
            for entry in entries:
                epochs.add(entry.epoch)
                commands = msgspec.msgpack.decode(entry.payload, type=Batch).commands
                for seq, command in enumerate(commands, entry.first):
                    if not command.client:
                        continue
                    known = first.setdefault((command.actor.id, command.client, command.number), seq)
                    if known != seq:
                        record.first[seq] = known
                        record.doubled += seq in record.bids
            after = entries[-1].last
        record.epochs = len(epochs)
        return record

    def _take(self, fact: store.FactRow) -> None:
        if fact.kind == "bid_accepted":
            self.bids[fact.seq] = {**fact.payload, "ts": fact.ts}
        elif fact.kind == "lot_opened":
            self.opened[fact.payload["lot"]] = fact.payload
        elif fact.kind in RESULTS:
            self.results[fact.payload["lot"]].append(fact)
        elif fact.kind == "lot_hammered":
            self.hammers.setdefault(fact.payload["lot"], fact)


def _lots(found: Findings, record: _Record, crowd: Crowd) -> None:
    found.lots = len(record.opened)
    missing = [lot for lot in crowd.lots if lot not in record.opened]
    found.results = len(missing) + sum(len(record.results.get(lot, [])) != 1 for lot in record.opened)
    best: dict[str, tuple[int, int, str]] = {}
    for seq, bid in record.bids.items():
        lot = bid["lot"]
        hammer = record.hammers.get(lot)
        found.late += hammer is not None and (seq > hammer.seq or bid["ts"] > hammer.ts)
        best[lot] = max(best.get(lot, (0, 0, "")), (bid["amount"], -seq, bid["bidder"]))
    for lot, (_, _, leader) in best.items():
        # The highest maximum wins, and of equal ones the first.
        results = record.results.get(lot, [])
        found.results += len(results) == 1 and results[0].payload.get("winner", leader) != leader


def _told_to_anybody(viewers: Iterable[Viewer]) -> dict[int, set[tuple[int, str]]]:
    """By epoch: (seq, type) of all ordered events but bids, which may supersede each other."""
    told: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for viewer in viewers:
        for span in viewer.heard:
            if isinstance(span, Span):
                told[span.epoch].update(
                    (event["seq"], event["type"]) for event in span.events if event["type"] != "bid:accepted"
                )
    return told


def _heard(found: Findings, viewer: Viewer, record: _Record, told: dict[int, set[tuple[int, str]]]) -> None:
    last_epoch = viewer.epoch
    at: tuple[int, int] | None = None
    for span in viewer.heard:
        if isinstance(span, Reset):
            found.snapshots += at is not None
            at = (span.epoch, span.seq)
            continue
        found.resumes += span.resumed
        found.repeated += span.repeated
        found.events += len(span.events)
        found.missed += at != (span.epoch, span.after)
        at = (span.epoch, span.to)
        seqs = [event["seq"] for event in span.events]
        found.reordered += seqs != sorted(seqs) or any(not span.after < seq <= span.to for seq in seqs)
        here = {(event["seq"], event["type"]) for event in span.events}
        others = {one for one in told[span.epoch] if span.after < one[0] <= span.to}
        found.missed += len(others - here)
        shown = {event["seq"] for event in span.events if event["type"] == "bid:accepted"}
        if span.epoch == last_epoch or record.epochs == 1:
            found.invented += len(shown - record.bids.keys())
        found.missed += _bids_missed(span, shown, record)


def _bids_missed(span: Span, shown: set[int], record: _Record) -> int:
    """Bids of the record within the span that were not shown and that no later bid of their lot in it supersedes."""
    newest: dict[str, int] = {}
    missed = 0
    for seq in range(span.after + 1, span.to + 1):
        bid = record.bids.get(seq)
        if bid is not None:
            newest[bid["lot"]] = seq
    for seq in newest.values():
        missed += seq not in shown
    return missed


async def _nodes_that_differ(world: World, crowd: Crowd, record: _Record) -> int:
    """How many nodes' snapshots say something else of a result than the record."""
    differ = 0
    for node in world.living:
        async with LiveClient(node.socket_url) as client:
            room = await client.join(crowd.show)
            await room.until(lambda room=room: _all_ended(room.view[Auction.name]["lots"]), VIEW_MAX_MS)
            lots = room.view[Auction.name]["lots"]
            differ += any(
                _result(lots.get(lot, {})) != _recorded_result(results[-1])
                for lot, results in record.results.items()
            )
    return differ


def _failed(log: str) -> int:
    found = 0
    for line in log.splitlines():
        if not line.startswith("{"):
            found += line.startswith("Traceback")
        elif (last := _last_words(line)) is not None:
            found += AWAY.match(last) is None
    return found


def _last_words(line: str) -> str | None:
    """What a logged traceback ends with: the exception; None when the line has none."""
    traceback = msgspec.json.decode(line, type=_Line).exception
    return traceback.rstrip().rpartition("\n")[2] if traceback else None


class _Line(msgspec.Struct):
    exception: str = ""


def _all_ended(lots: dict[str, Any]) -> bool:
    return all(lot["status"] in {"sold", "passed"} for lot in lots.values())


def _result(lot: dict[str, Any]) -> tuple[Any, ...]:
    if lot.get("status") != "sold":
        return (lot.get("status"),)
    return ("sold", lot["price"], lot["bids"], lot["leader"])


def _recorded_result(fact: store.FactRow) -> tuple[Any, ...]:
    if fact.kind == "lot_passed":
        return ("passed",)
    return ("sold", fact.payload["price"], fact.payload["bids"], fact.payload["name"])
