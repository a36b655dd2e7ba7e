"""What the recorder writes into shows: that one started or ended, and that a lot has left the queue.

It runs inside the recorder's transaction, and nothing else writes these columns. Facts may come again after a crash or a
rebuilt log: only the first start and the first end count, so a repetition changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from liveserver.infra.database import Connection
from liveserver.kernel.ids import LotId, ShowId
from liveserver.shows import store

RecordedFact = tuple[int, int, str, Mapping[str, Any]]
"""A fact as recorded: seq, ts, kind, payload. Types of facts live above shows, so their kinds are named here."""

KINDS = frozenset({"show_started", "show_ended"})
"""What `record` follows; of everything else it need not be told."""


async def record(conn: Connection, show_id: ShowId, facts: Sequence[RecordedFact]) -> None:
    """Follows `show_started` and `show_ended` (`liveserver/rooms/lifecycle.py`); other kinds are somebody else's."""
    for _seq, ts, kind, _payload in facts:
        if kind == "show_started":
            await store.start_show(conn, show_id, ts)
        elif kind == "show_ended":
            await store.end_show(conn, show_id, ts)


async def mark_opened(conn: Connection, lot: LotId, ts: int) -> bool:
    """Takes an opened lot out of its queue. False: it was never queued, or has left already; neither is an error.

    Holds the show's row until the transaction ends, as everybody does who changes a queue.
    """
    return await store.open_lot(conn, lot, ts)
