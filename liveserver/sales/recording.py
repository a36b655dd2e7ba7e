"""What the recorder writes from a show's sales: their orders, what became of the stock that the show took along.

It runs in the recorder's transaction, after the auction's own. Recording never fails for a reason of business: a sale whose order
can't be placed is kept and tried again as a job. Facts may come again after a crash or a rebuilt log; a repetition changes nothing.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import structlog

from liveserver.auction import model as auction
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Work
from liveserver.kernel.clock import Clock
from liveserver.rooms.lifecycle import ShowEnded
from liveserver.rooms.store import NewFact
from liveserver.sales.model import PlaceJob, Sold
from liveserver.sales.placing import Placing, Q
from liveserver.shows import goods
from liveserver.spotlight.model import ClaimMade

log = structlog.get_logger(__name__)

ERROR_MAX = 1_000
"""Characters kept of why an order could not be placed."""

_TELLING = frozenset(
    {auction.LotOpened, auction.LotHammered, auction.LotSold, auction.LotPassed, ClaimMade, ShowEnded}
)
_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError)
"""PostgreSQL's word for rows that can't be as they are: of one sale, and not of the connection."""


class Recording:
    """The projector of sales (`rooms.recorder.Projector`)."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing

    async def __call__(self, connection: Connection, show: str, rows: Sequence[NewFact]) -> None:
        """Brings orders and stock up to these facts. Ten thousand bids cost one look at each row's type."""
        for row in [row for row in rows if type(row.fact) in _TELLING]:
            await self._follow(connection, show, row)

    async def _follow(self, on: Connection, show: str, row: NewFact) -> None:
        match row.fact:
            case auction.LotOpened() as fact:
                await _opened(on, show, fact, row.ts)
            case auction.LotHammered(lot=lot):
                # Decided, and sold as soon as this is recorded. Before the show's end, which gives back what was not sold.
                for taken in await goods.of_object(on, show, lot):
                    if taken.state == "open":
                        await goods.sold(on, show, lot, taken)
                        await _take(on, show, lot, taken.variant, taken.given)
            case auction.LotPassed(lot=lot):
                for taken in await goods.of_object(on, show, lot):
                    if taken.state == "open":
                        await goods.give_back(on, show, lot, taken, row.ts)
            case auction.LotSold() as fact:
                await self._sold(on, await _lot(on, show, fact, row.ts))
            case ClaimMade() as fact:
                await _take(on, show, fact.claim, fact.variant, fact.quantity)
                await self._sold(on, _claim(show, fact, row.ts))
            case ShowEnded():
                await inventory.end_show(on, show, row.ts)
                await goods.ended(on, show)
            case _:
                raise AssertionError("only these were let through")

    async def _sold(self, on: Connection, sold: Sold) -> None:
        """Its order, now or as a job."""
        try:
            async with on.transaction():  # a savepoint: what fails of one sale takes nothing else along
                await self._placing.place(on, sold, sold.ts)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
            raise  # nothing can be recorded now
        except asyncpg.PostgresError as error:
            if not isinstance(error, _DATA):
                raise
            await self._keep(on, sold, error)
        except Exception as error:  # noqa: BLE001  # a mistake in one order must not stop the record of a show
            await self._keep(on, sold, error)

    async def _keep(self, on: Connection, sold: Sold, error: Exception) -> None:
        log.error("sale_without_order", show=sold.show, origin=sold.origin, error=repr(error))
        why = f"{type(error).__name__}: {error}"[:ERROR_MAX]
        await on.execute(Q.keep_unplaced, sold.origin, sold.show, msgspec.to_builtins(sold), why, sold.ts)
        await enqueue(on, "sales.place", PlaceJob(sold.origin), after_ms=1_000, once=f"place:{sold.origin}")


def works(pool: Pool, clock: Clock, placing: Placing) -> list[Work]:
    """For the worker: sales whose order could not be placed when they were recorded. It may be paid from now on."""

    async def place(about: PlaceJob) -> None:
        async with transaction(pool) as on:
            kept = await on.fetchval(Q.lock_unplaced, about.origin)
            if kept is None:
                return
            await placing.place(on, msgspec.convert(kept, Sold), clock.now_ms())
            await on.execute(Q.drop_unplaced, about.origin)

    return [Work("sales.place", PlaceJob, place)]


async def _opened(on: Connection, show: str, fact: auction.LotOpened, ts: int) -> None:
    """What was taken along for the lot is in the room now; what was taken for it as another product's is not."""
    for taken in await goods.of_object(on, show, fact.lot):
        if taken.state not in {"taken", "opening"}:
            continue
        if taken.product == fact.terms.product:
            await goods.opened(on, show, fact.lot, taken)
        else:
            await goods.give_back(on, show, fact.lot, taken, ts)


async def _take(on: Connection, show: str, object: str, variant: str, quantity: int) -> None:
    """Out of what the show took along. That it has not enough is a contradiction between room and record; the sale stands, and the
    seller finds out from the log before the buyer does."""
    try:
        async with on.transaction():
            await inventory.sold_in_show(on, show, object, variant, quantity)
    except asyncpg.IntegrityConstraintViolationError as error:
        log.error("sold_beyond_allotment", show=show, object=object, variant=variant, error=repr(error))


async def _lot(on: Connection, show: str, fact: auction.LotSold, ts: int) -> Sold:
    taken = [each for each in await goods.of_object(on, show, fact.lot) if each.state == "sold"]
    picture: Any = await on.fetchval(Q.picture_of_lot, show, fact.lot)
    return Sold(
        origin=f"lot:{show}:{fact.lot}",
        source="auction",
        show=show,
        object=fact.lot,
        buyer=fact.winner,
        buyer_name=fact.name,
        currency=fact.currency,
        product=fact.product or "",
        variant=taken[0].variant if taken else "",
        title=fact.title,
        picture=picture or "",
        price=fact.price,
        ts=ts,
    )


def _claim(show: str, fact: ClaimMade, ts: int) -> Sold:
    return Sold(
        origin=f"claim:{show}:{fact.claim}",
        source="claim",
        show=show,
        object=fact.claim,
        buyer=fact.buyer,
        buyer_name=fact.name,
        currency=fact.currency,
        product=fact.product,
        variant=fact.variant,
        title=fact.title,
        label=fact.label,
        picture=fact.picture,
        quantity=fact.quantity,
        price=fact.price,
        ts=ts,
    )
