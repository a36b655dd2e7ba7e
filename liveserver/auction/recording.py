"""What the recorder writes from a show's lot facts: the result of each lot, and that queued lots were opened.

It runs in the recorder's transaction. Facts of a batch are folded first, so that ten thousand bids cost one row's update.
Facts may come again after a crash or a rebuilt log; a repetition changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from liveserver.auction import model as m
from liveserver.auction import results
from liveserver.auction.results import LotResult
from liveserver.infra.database import Connection
from liveserver.kernel.ids import LotId
from liveserver.shows import recording as shows_recording


class RecordedFact(Protocol):
    """A fact as it is being recorded (`rooms.store.NewFact`)."""

    @property
    def seq(self) -> int: ...
    @property
    def ts(self) -> int: ...
    @property
    def fact(self) -> object: ...


_TYPES: dict[str, type[m.LotFact]] = {str(fact.__struct_config__.tag): fact for fact in m.LOT_FACTS}


def lot_fact(kind: str, payload: Mapping[str, Any]) -> m.AnyLotFact | None:
    """The lot fact of a recorded row, or None for other features' kinds."""
    fact_type = _TYPES.get(kind)
    return None if fact_type is None else msgspec.convert({"type": kind, **payload}, fact_type)  # pyright: ignore[reportReturnType]  # the table holds just the union's members


async def record(conn: Connection, show: str, rows: Sequence[RecordedFact]) -> None:
    """Brings table `lots` and the show's queue up to these facts."""
    touched: dict[str, LotResult] = {}
    for row in _telling(rows):
        fact = row.fact
        if isinstance(fact, m.LotOpened):
            await results.insert(conn, opened(show, fact, row.seq, row.ts))
            await shows_recording.mark_opened(conn, LotId(fact.lot), row.ts)
            continue
        assert isinstance(fact, m.LOT_FACTS), "only lots' facts tell something here"
        result = touched.get(fact.lot) or await results.find(conn, show, fact.lot)
        assert result is not None, "a lot is opened before anything else happens to it"
        touched[fact.lot] = result
        follow(result, fact, row.seq, row.ts)
    for result in touched.values():
        await results.move(conn, result)


def _telling(rows: Sequence[RecordedFact]) -> Iterator[RecordedFact]:
    """The lot facts among the rows, in order for each lot; of bids that follow each other only the last, for a bid's fact says
    all that the bids before it came to."""
    latest: dict[str, RecordedFact] = {}
    for row in rows:
        fact = row.fact
        if isinstance(fact, m.BidAccepted):
            latest[fact.lot] = row
        elif isinstance(fact, m.LOT_FACTS):
            bid = latest.pop(fact.lot, None)
            if bid is not None:
                yield bid
            yield row
    yield from latest.values()


def opened(show: str, fact: m.LotOpened, seq: int, ts: int) -> LotResult:
    """The row of a lot that was just opened."""
    terms = fact.terms
    return LotResult(
        show=show,
        id=fact.lot,
        product=terms.product,
        title=terms.title,
        picture=terms.picture,
        format=terms.format,
        currency=terms.currency,
        start=terms.rules.start,
        status="open",
        reason="",
        price=None,
        bids=0,
        winner=None,
        alias="",
        public="",
        head=fact.head,
        opened_ts=ts,
        closed_ts=None,
        seq=seq,
    )


def follow(result: LotResult, fact: m.AnyLotFact, seq: int, ts: int) -> None:
    """Takes one fact into a lot's row. Facts hold absolute values: what comes again in order ends where it ended before."""
    result.seq, result.head = seq, fact.head
    match fact:
        case m.BidAccepted() | m.BidderVoided():
            result.price, result.bids = fact.price, fact.bids
            result.winner = fact.leader or None
            result.alias, result.public = fact.leader_name, fact.leader_public
            if isinstance(fact, m.BidAccepted):
                result.status = "open" if fact.status == "open" else "closing"
        case m.LotClosing():
            result.status = "closing"
        case m.LotHammered():
            result.status = "hammered"
        case m.LotSold():
            result.status, result.closed_ts = "sold", ts
        case m.LotPassed():
            result.status, result.reason, result.closed_ts = "passed", fact.reason, ts
        case m.LotCalled() | m.LotExtended() | m.LotOpened():
            pass
