"""Compares what a crowd was told with the record, after a fault is over: what was lost, doubled, reordered, or decided twice.

It looks from outside: at the crowd's notes, at PostgreSQL's facts and entries, and at what `liveserver verify` says. It does
not judge how long something took.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from chaos import record as recorded
from chaos.crowd import ENDED, Acknowledged, Crowd
from chaos.record import Record
from chaos.viewers import Reset, Span
from chaos.world import World
from liveserver.auction.feature import Auction
from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import verify
from liveserver.client import LiveClient
from liveserver.rooms import store

VIEW_MAX_MS = 20_000
EXCEPTION = re.compile(r"^[a-z_.]*[A-Z]\w*[a-z]\w*: .*|^[a-z_.]*[A-Z]\w*Error$", re.MULTILINE)
"""The line of a traceback that names one; what PostgreSQL adds below (DETAIL, HINT) is in capitals."""
Heard = Sequence[Span | Reset]
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
    repeats: int = 0
    """Commands that are in the log twice, for they were sent again: the second one is told what the first one came to."""

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
    """Lots that do not have exactly one result, or another winner than the highest bid's."""
    late: int = 0
    """Bids that count though they came after the hammer."""
    views: int = 0
    """Nodes, and events, that show another result of a lot than the record."""
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
    record = await recorded.read(pool, crowd.show)
    heard = [viewer.heard for viewer in crowd.viewers]
    found = Findings(lots=len(record.opened), epochs=len(record.epochs), repeats=len(record.repeats))
    judge_bids(found, record, crowd.acknowledged)
    judge_lots(found, record, crowd.lots)
    told = told_to_anybody(heard)
    for one in heard:
        judge_heard(found, record, one, told)
    found.views += await _nodes_that_differ(world, crowd, record)
    report = await verify(pool, crowd.show, FEATURES)
    found.verify = "" if report.difference is None else f"{report.difference.seq}: {report.difference.what}"
    found.tracebacks = sum(mistakes(node.said) for node in world.nodes)
    return found


def judge_bids(found: Findings, record: Record, acknowledged: Sequence[Acknowledged]) -> None:
    """Every bid that was acknowledged is in the record as its bidder was told, and no command counted twice."""
    found.acknowledged, found.recorded = len(acknowledged), len(record.bids)
    for bid in acknowledged:
        # Who had to send it again may have been told the place of the repetition.
        kept = record.bids.get(record.repeats.get(bid.seq, bid.seq))
        told = (bid.bidder, bid.amount, bid.lot)
        found.lost += kept is None or (kept["bidder"], kept["amount"], kept["lot"]) != told
    found.duplicates = sum(seq in record.bids for seq in record.repeats)


def judge_lots(found: Findings, record: Record, told_open: Sequence[str]) -> None:
    """Every lot has one result, its winner bid most (of equals: first), and nothing counted after its end."""
    found.results = sum(lot not in record.opened for lot in told_open)
    best: dict[str, tuple[int, int, str]] = {}
    for seq, bid in record.bids.items():
        lot = bid["lot"]
        for hammer in record.hammers.get(lot, []):
            in_time = bid["ts"] - bid["allowance_ms"] <= hammer.payload["ends_at"]
            found.late += seq > hammer.seq or not in_time
        best[lot] = max(best.get(lot, (0, 0, "")), (bid["amount"], -seq, bid["bidder"]))
    for lot in record.opened:
        results, hammers = record.results.get(lot, []), record.hammers.get(lot, [])
        right = len(results) == 1 and len(hammers) <= 1
        if right and results[0].kind == "lot_sold":
            right = lot in best and results[0].payload["winner"] == best[lot][2]
        found.results += not right


def told_to_anybody(heard: Iterable[Heard]) -> Mapping[int, set[tuple[int, str]]]:
    """By epoch: (seq, type) of all ordered events but bids, which may supersede each other."""
    told: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for one in heard:
        for span in one:
            if isinstance(span, Span):
                told[span.epoch].update(
                    (event["seq"], event["type"]) for event in span.events if event["type"] != "bid:accepted"
                )
    return told


def judge_heard(
    found: Findings, record: Record, heard: Heard, told: Mapping[int, set[tuple[int, str]]]
) -> None:
    """One viewer heard everything once, in order, and nothing else, but for what a snapshot stands for."""
    at: tuple[int, int] | None = None
    last_epoch = heard[-1].epoch if heard else 0
    for span in heard:
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
        others = {one for one in told.get(span.epoch, ()) if span.after < one[0] <= span.to}
        found.missed += len(others - here)
        bids = {event["seq"] for event in span.events if event["type"] == "bid:accepted"}
        found.missed += len(_newest_bids(record, span) - bids)
        if span.epoch == last_epoch:  # what an epoch showed that is over may have been taken back (row 7)
            found.invented += len(bids - record.bids.keys())
            found.views += sum(_contradicts(record, event) for event in span.events)


def _newest_bids(record: Record, span: Span) -> set[int]:
    """Of each lot the last bid that the record has within the span: no later one in it supersedes that."""
    newest: dict[str, int] = {}
    for seq in range(span.after + 1, span.to + 1):
        bid = record.bids.get(seq)
        if bid is not None and record.epoch_of(seq) <= span.epoch:
            newest[bid["lot"]] = seq
    return set(newest.values())


def _contradicts(record: Record, event: Mapping[str, Any]) -> bool:
    if event["type"] != "lot:sold":
        return False
    told = event["payload"]
    return [(told["lot"], told["price"])] != [
        (told["lot"], fact.payload.get("price")) for fact in record.results.get(told["lot"], [])
    ]


async def _nodes_that_differ(world: World, crowd: Crowd, record: Record) -> int:
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


def mistakes(log: str) -> int:
    """Exceptions in a node's log that say something else than that an engine is away."""
    found = 0
    for line in log.splitlines():
        if not line.startswith("{"):
            found += line.startswith("Traceback")
        elif (last := _last_words(line)) is not None:
            found += AWAY.match(last) is None
    return found


def _last_words(line: str) -> str | None:
    """The exception that a logged traceback ends with; None when the line has none."""
    traceback = msgspec.json.decode(line, type=_Line).exception
    named = EXCEPTION.findall(traceback)
    return named[-1] if named else traceback or None


class _Line(msgspec.Struct):
    exception: str = ""


def _all_ended(lots: dict[str, Any]) -> bool:
    return all(lot["status"] in ENDED for lot in lots.values())


def _result(lot: dict[str, Any]) -> tuple[Any, ...]:
    if lot.get("status") != "sold":
        return (lot.get("status"),)
    return ("sold", lot["price"], lot["bids"], lot["leader"])


def _recorded_result(fact: store.FactRow) -> tuple[Any, ...]:
    if fact.kind == "lot_passed":
        return ("passed",)
    return ("sold", fact.payload["price"], fact.payload["bids"], fact.payload["name"])
