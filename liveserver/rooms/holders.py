"""Who holds a show's room, and how they agree before anybody opens a damaged log again.

A node that finds the log lost, cut or under another server may not be the one that knows most of it: another may have
acknowledged commands that this one never heard. So it asks: every process that holds the room stops acknowledging, records
what it has, and says so ("yields"); only then, with the log's row locked, the log is fenced or its next epoch seeded. A
holder acknowledges again when it has compared itself with the log that came of it, under the same lock. The dead are not
waited for. It knows no room and no Redis: `opening` and `live` call it.
"""

import asyncio
import time

import structlog

from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.errors import Mendable
from liveserver.nodes.service import BEAT_S, DEAD_MS
from liveserver.rooms import store

log = structlog.get_logger(__name__)

WAIT_MAX_S = 15.0
"""How long the living are waited for. A beat brings the question, so they need a second, and what recording takes."""
DEAD_WAIT_S = 2 * BEAT_S
"""After PostgreSQL was away everybody looks dead until the next beat: nobody is given up sooner than this."""
LOOK_S = 0.05


async def ask(pool: Pool, show: str) -> None:
    """Tells all holders of the show to yield; they hear it with their next beat at the latest."""
    await pool.execute(store.QUERIES.ask_holders, show)


async def asked(pool: Pool, node: str) -> list[str]:
    """Shows whose log this node should yield."""
    return [row["show"] for row in await pool.fetch(store.QUERIES.asked_of, node)]


async def yielded(pool: Pool, show: str, node: str) -> None:
    """Says that all the node had is recorded and that it acknowledges nothing until it resumes."""
    await pool.execute(store.QUERIES.yield_log, show, node)


async def wait(pool: Pool, show: str) -> None:
    """Returns when all living holders that were asked have yielded, or resumed since: then the log was opened meanwhile.

    Raises Mendable after `WAIT_MAX_S`.
    """
    began = time.monotonic()
    while True:
        living, dead = await _left(pool, show, asked_only=True)
        waited_s = time.monotonic() - began
        if not living and (not dead or waited_s >= DEAD_WAIT_S):
            if dead:
                log.warning("holders_dead", show=show, nodes=dead)
            return
        if living and waited_s >= WAIT_MAX_S:
            raise Mendable(
                f"The log of show {show} cannot be opened again: {', '.join(living)} did not record what they have of it",
                "the nodes' recording",
                "See why these nodes cannot write to PostgreSQL. Stopping one gives up what only it knows.",
            )
        await asyncio.sleep(LOOK_S)


async def all_yielded(connection: Connection, show: str) -> bool:
    """The same asked once, inside the transaction that has locked the log's row. Forgets the dead, whose time has passed."""
    living, dead = await _left(connection, show)
    if dead and not living:
        await connection.execute(store.QUERIES.forget_holders, show, dead)
    return not living


async def _left(on: Pool | Connection, show: str, *, asked_only: bool = False) -> tuple[list[str], list[str]]:
    rows = await on.fetch(store.QUERIES.holders_left, show, DEAD_MS)
    rows = [row for row in rows if row["asked"] or not asked_only]
    return [row["node"] for row in rows if row["lives"]], [row["node"] for row in rows if not row["lives"]]


async def resume(pool: Pool, show: str, node: str, epoch: int) -> bool:
    """Makes the node a holder that acknowledges, in this epoch. False when the record is in another one by now."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(store.QUERIES.lock_log, show, node, False)
        if row is None or row["epoch"] != epoch:
            return False
        await connection.execute(store.QUERIES.hold_log, show, node)
        return True


async def let_go(pool: Pool, show: str, node: str) -> None:
    """The node holds the show no more."""
    await pool.execute(store.QUERIES.let_go, show, node)
