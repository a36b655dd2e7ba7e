"""The harness itself: its proxies do what they say, and its audit sees what is wrong. A bar that cannot break proves nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from chaos import report
from chaos.audit import Findings, judge_bids, judge_heard, judge_lots, mistakes, told_to_anybody
from chaos.crowd import Acknowledged
from chaos.drill import Outcome
from chaos.faults import FAULTS
from chaos.proxy import APPENDERS, Proxy
from chaos.record import Record
from chaos.viewers import Reset, Span
from liveserver.rooms.store import FactRow

QUIET_S = 0.05
"""Within this an echo over loopback would have come."""


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Proxy]:
    """A proxy before an engine that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_unix_server(echo, tmp_path / "engine")
    async with Proxy(tmp_path / "engine") as proxy:
        yield proxy
        for caller in Caller.all:
            caller.writer.transport.abort()
        Caller.all.clear()
    server.close()
    await server.wait_closed()


class Caller:
    """A connection through the proxy."""

    all: ClassVar[list["Caller"]] = []

    @classmethod
    async def at(cls, proxy: Proxy) -> "Caller":
        caller = cls()
        cls.all.append(caller)
        caller.reader, caller.writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        return caller

    async def hears(self, words: bytes) -> bytes:
        self.writer.write(words)
        async with asyncio.timeout(5):
            return await self.reader.read(1_000)

    async def hears_nothing_of(self, words: bytes) -> bool:
        self.writer.write(words)
        try:
            async with asyncio.timeout(QUIET_S):
                return not await self.reader.read(1_000)
        except TimeoutError:
            return True

    async def is_broken(self) -> bool:
        try:
            async with asyncio.timeout(5):
                return not await self.reader.read(1_000)
        except ConnectionError:
            return True


async def test_what_is_sent_into_a_black_hole_arrives_when_it_heals(way: Proxy):
    before = await Caller.at(way)
    assert await before.hears(b"one") == b"one"
    way.black_hole()
    assert await before.hears_nothing_of(b"two")
    meanwhile = await Caller.at(way)
    assert await meanwhile.hears_nothing_of(b"new")
    way.heal()
    assert await before.hears(b"") == b"two"
    assert await meanwhile.hears(b"") == b"new"


async def test_cut_connections_break_and_new_ones_pass_unless_they_are_refused(way: Proxy):
    first = await Caller.at(way)
    assert await first.hears(b"one") == b"one"
    way.cut()
    assert await first.is_broken()
    second = await Caller.at(way)
    assert await second.hears(b"two") == b"two"
    way.refuse()
    assert await second.is_broken()
    assert await (await Caller.at(way)).is_broken()
    way.heal()
    assert await (await Caller.at(way)).hears(b"three") == b"three"


async def test_delayed_words_arrive_later_and_in_order(way: Proxy):
    caller = await Caller.at(way)
    way.delay(40)
    began_s = asyncio.get_running_loop().time()
    assert await caller.hears(b"one") == b"one"
    assert asyncio.get_running_loop().time() - began_s >= 0.07, (
        "there and back, 40 ms each, by a clock of whole ms"
    )


async def test_only_appenders_lose_answers_and_their_connections(way: Proxy):
    appender, reader = await Caller.at(way), await Caller.at(way)
    assert await appender.hears(b"CLIENT SETNAME " + APPENDERS)
    way.lose_answers(1)
    assert await reader.hears(b"read") == b"read"
    appender.writer.write(b"append")
    assert await appender.is_broken()
    assert way.lost == 1


async def test_only_what_is_published_is_lost(way: Proxy):
    caller = await Caller.at(way)
    way.lose_messages(1)
    assert await caller.hears(b"*3\r\n$9\r\nsubscribe\r\n") == b"*3\r\n$9\r\nsubscribe\r\n"
    assert await caller.hears_nothing_of(b"*3\r\n$8\r\nsmessage\r\n")
    assert await caller.hears(b"*3\r\n$8\r\nsmessage\r\n") == b"*3\r\n$8\r\nsmessage\r\n"


def bid(bidder: str, amount: int, ts: int) -> dict[str, Any]:
    return {"lot": "lot_1", "bidder": bidder, "amount": amount, "ts": ts, "allowance_ms": 0}


def fact(seq: int, kind: str, **payload: Any) -> FactRow:
    return FactRow(seq, 0, 2_000, kind, {"lot": "lot_1", **payload})


def sold_to(winner: str, price: int = 300) -> Record:
    """Lot 1: ana bids 200 at seq 2, bo 300 at seq 3; the hammer falls at 10, and the sale is final at 11."""
    return Record(
        bids={2: bid("ana", 200, 1_000), 3: bid("bo", 300, 1_500)},
        hammers={"lot_1": [fact(10, "lot_hammered", ends_at=1_600)]},
        results={"lot_1": [fact(11, "lot_sold", winner=winner, price=price)]},
        opened={"lot_1"},
        epochs=[2],
        epochs_begin=[1],
    )


def promise(seq: int, bidder: str, amount: int) -> Acknowledged:
    return Acknowledged(bidder, seq, amount, "lot_1", 0.0)


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        (promise(2, "ana", 200), 0),
        (promise(4, "ana", 200), 1),
        (promise(2, "bo", 200), 1),
        (promise(2, "ana", 250), 1),
    ],
    ids=["kept", "not there", "another's", "another amount"],
)
def test_a_promise_that_the_record_does_not_have_is_lost(told: Acknowledged, lost: int):
    found = Findings()
    judge_bids(found, sold_to("bo"), [told])
    assert found.lost == lost


def test_a_repetition_is_told_apart_from_a_bid_that_counted_twice():
    record, found = sold_to("bo"), Findings()
    record.repeats = {5: 2}
    judge_bids(found, record, [promise(5, "ana", 200)])
    assert (found.lost, found.duplicates) == (0, 0)
    record.bids[5] = bid("ana", 200, 1_550)
    judge_bids(found, record, [])
    assert found.duplicates == 1


def test_a_lot_has_one_result_and_its_winner_bid_most_in_time():
    good, found = sold_to("bo"), Findings()
    judge_lots(found, good, ["lot_1"])
    assert found.broken == []
    for spoil, expected in (
        (lambda r: r.results.clear(), "results: 1"),
        (lambda r: r.results["lot_1"].append(fact(12, "lot_sold", winner="bo", price=300)), "results: 1"),
        (lambda r: r.hammers["lot_1"].append(fact(9, "lot_hammered", ends_at=1_600)), "results: 1"),
        (lambda r: r.results.update(lot_1=[fact(11, "lot_sold", winner="ana", price=300)]), "results: 1"),
        (lambda r: r.bids.update({12: bid("ana", 100, 1_100)}), "late: 1"),
        (lambda r: r.bids.update({4: bid("ana", 100, 1_601)}), "late: 1"),
    ):
        record, found = sold_to("bo"), Findings()
        spoil(record)
        judge_lots(found, record, ["lot_1"])
        assert found.broken == [expected]
    judge_lots(found := Findings(), good, ["lot_1", "lot_2"])
    assert found.broken == ["results: 1"], "somebody was told that lot 2 is open"


def event(seq: int, type: str, **payload: Any) -> dict[str, Any]:
    return {"type": type, "seq": seq, "ts": 0, "payload": {"lot": "lot_1", **payload}}


def span(after: int, to: int, *events: dict[str, Any], epoch: int = 2, repeated: int = 0) -> Span:
    return Span(0.0, epoch, after, to, list(events), False, repeated)


FIRST, SECOND = event(2, "bid:accepted"), event(3, "bid:accepted")
SOLD = event(11, "lot:sold", price=300)
START = Reset(0.0, 2, 1)


@pytest.mark.parametrize(
    ("heard", "broken"),
    [
        ([START, span(1, 2, FIRST), span(2, 11, SECOND, SOLD)], []),
        ([START, span(1, 11, SECOND, SOLD)], []),
        ([START, span(1, 11, FIRST, SOLD)], ["missed: 1"]),
        ([START, span(1, 3, FIRST, SECOND), span(3, 11)], ["missed: 1"]),
        ([START, span(1, 2, FIRST), span(3, 11, SOLD)], ["missed: 1"]),
        ([START, span(1, 11, SECOND, FIRST, SOLD)], ["reordered: 1"]),
        ([START, span(1, 2, FIRST), span(2, 11, SECOND, SOLD, repeated=1)], ["repeated: 1"]),
        ([START, span(1, 11, SECOND, event(4, "bid:accepted"), SOLD)], ["invented: 1"]),
        ([START, span(1, 11, SECOND, event(11, "lot:sold", price=200))], ["views: 1"]),
        ([START, span(1, 4, SECOND, event(4, "bid:accepted")), Reset(0.0, 3, 11)], []),
    ],
    ids=[
        "all", "superseded", "last bid", "event", "gap", "order", "twice", "invented", "another price", "taken back",
    ],
)  # fmt: skip
def test_a_viewer_hears_all_once_and_in_order(heard: list[Span | Reset], broken: list[str]):
    found = Findings()
    complete = [START, span(1, 11, SECOND, SOLD)]
    judge_heard(found, sold_to("bo"), heard, told_to_anybody([complete, heard]))
    assert found.broken == broken


@pytest.mark.parametrize(
    ("exception", "ours"),
    [
        ("Traceback (most recent call last):\n  File x\nKeyError: 'lot_1'", 1),
        ("Traceback (most recent call last):\n  File x\nAssertionError", 1),
        ("Traceback (most recent call last):\n  File x\nasyncpg.exceptions.CannotConnectNowError: starting up\nDETAIL:  Not yet.", 0),
        ("Traceback (most recent call last):\n  File x\nConnectionResetError: gone\n\nThe above exception was the direct cause of the "
         "following exception:\n\nTraceback (most recent call last):\n  File x\nredis.exceptions.ConnectionError: gone", 0),
    ],
)  # fmt: skip
def test_an_engine_that_is_away_is_no_mistake_of_ours(exception: str, ours: int):
    line = msgspec.json.encode({"event": "failed", "exception": exception}).decode()
    assert mistakes(f'· started\n{line}\n{{"event": "fine"}}\n') == ours
    assert mistakes(f"{exception}\n") == exception.count("Traceback"), (
        "printed rather than logged: nobody caught it"
    )


def test_names_are_unique_and_every_fault_says_what_it_does():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.bring.__doc__ and fault.people_see for fault in FAULTS)


def test_the_page_has_a_line_of_every_fault_as_it_is_declared():
    page = report.PAGE.read_text()
    begin, end = page.index(report.BEGIN) + len(report.BEGIN) + 1, page.index(report.END)
    assert page[begin:end] == report.tables(FAULTS, report.load()), "run: python -m chaos.report"


def test_a_measured_line_reads_well():
    outcome = Outcome(
        "node-killed", "24 bidders", 1, Findings(acknowledged=1_234), {}, 0, 0, 414, 22, 30, 353, 350, []
    )
    fault = next(fault for fault in FAULTS if fault.name == "node-killed")
    line = report.line(fault, outcome)
    assert line == "| `node-killed` | 20 | 24 bidders | – | 1,234 | 0 | 0 | 0 | 414 ms | 22 ms | 353 ms |\n"


def test_the_catalogue_has_every_row_and_names_tests_that_are_there():
    page = report.PAGE.read_text()
    lines = [
        line.split(" | ") for line in page[page.index("## The catalogue") :].splitlines() if line[:1] == "|"
    ][2:]
    rows: set[int] = set()
    for cells in lines:
        numbers = [int(number) for number in re.findall(r"\d+", cells[0])]
        rows |= set(range(numbers[0], numbers[-1] + 1)) if numbers else set()
        named = re.findall(r"`(tests/[^`]+)`", cells[-1])
        assert named or cells[2].startswith(("by construction", "come with")), cells
        texts = ["".join(file.read_text() for file in _files(Path(name))) for name in named]
        assert all(texts), f"{named} are there"
    assert rows == set(range(1, 40))


def test_every_fault_is_a_test_with_its_rows_in_its_name():
    source = "".join(file.read_text() for file in Path("tests/faults").glob("test_*.py"))
    for fault in FAULTS:
        found = re.search(
            r"def (test_\w+)\([^)]*\)[^:]*:\n(?:    [^\n]*\n)*?    [^\n]*holds\(\"" + fault.name + r"\"",
            source,
        )
        if fault.name == "nothing":
            continue
        assert found, fault.name
        named = {int(number) for number in re.findall(r"\d+", found[1])}
        assert named & set(fault.rows) or not fault.rows, (fault.name, found[1])


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))
