"""What a show takes along to be sold in it: a piece for each lot with a product, and pieces for the spotlight.

The room decides what of it is sold, in the log's order; so what may be on its way into the log is never given back before the record
knows what became of it (faults.md, row 32). Products without variants have no stock to count, and are not counted here.
"""

from typing import Literal

import msgspec

from liveserver.infra.database import Connection
from liveserver.inventory import store as inventory
from liveserver.inventory.errors import out_of_stock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId, ShowId
from liveserver.shows import errors
from liveserver.shows.store import Q, hold_show

SPOTLIGHT = "spotlight"
"""What pieces for the spotlight are taken for; lots' are taken for their ids."""


class Taken(msgspec.Struct, frozen=True):
    """So many of one variant, taken along for a lot or the spotlight."""

    variant: str
    product: str
    given: int
    state: Literal["taken", "opening", "open", "sold", "back"]


async def of_object(db: Connection, show: str, object: str) -> list[Taken]:
    """What was taken along for a lot or the spotlight; locked."""
    return [Taken(**dict(row)) for row in await db.fetch(Q.goods_of_object, show, object)]


async def take_for_queue(
    db: Connection, show: ShowId, lot: LotId, product: ProductId, wanted: str | None, ts: int
) -> Rejected | None:
    """A piece for a lot that will wait in the queue: of the variant that is wanted, else of the first that has one. The show is held.

    Refusals: `out_of_stock`, `no_such_variant`.
    """
    stock = await _stock(db, product)
    if wanted is not None and wanted not in stock:
        return errors.NO_SUCH_VARIANT
    if not stock:
        return None
    variant = next((id for id, left in stock.items() if left and wanted in {None, id}), None)
    if variant is None:
        return out_of_stock(wanted or next(iter(stock)), 0)
    refused = await inventory.allot(db, show, variant, 1, ts)
    assert refused is None, "the stock is locked"
    await db.execute(Q.add_goods, show, lot, variant, product, 1)
    return None


async def take_instead(
    db: Connection, show: ShowId, lot: LotId, product: ProductId | None, variant: str | None, ts: int
) -> Rejected | None:
    """The lot is of this product and variant now: a piece of it is taken unless it has one, and what it had of others goes back.

    Refusals: `out_of_stock`, `no_such_variant`, and `lot_opening`: a piece that may be on its way into the log is not exchanged.
    """
    here = await of_object(db, show, lot)
    own = [each for each in here if each.product == product and each.state in {"taken", "opening"}]
    kept = next((each for each in own if variant in {None, each.variant}), None)
    if kept is None and product is not None:
        if any(each.state == "opening" for each in own):
            return errors.LOT_OPENING
        if refused := await take_for_queue(db, show, lot, product, variant, ts):
            return refused
    for each in here:
        if each.state == "taken" and each is not kept:
            await give_back(db, show, lot, each, ts)
    return None


async def leave(db: Connection, show: ShowId, lot: LotId, ts: int) -> None:
    """The lot left the queue: what it had taken goes back, unless somebody asked to open it."""
    for each in await of_object(db, show, lot):
        if each.state == "taken":
            await give_back(db, show, lot, each, ts)


async def give_back(db: Connection, show: str, lot: str, taken: Taken, ts: int) -> None:
    """It was not sold and can't be any more. Nothing happens when the show's end has given it back already."""
    await db.execute(Q.move_goods, show, lot, taken.variant, "back")
    await inventory.allot(db, show, taken.variant, -taken.given, ts)


async def opened(db: Connection, show: str, lot: str, taken: Taken) -> None:
    """The record has the lot: it can be sold."""
    await db.execute(Q.move_goods, show, lot, taken.variant, "open")


async def sold(db: Connection, show: str, lot: str, taken: Taken) -> None:
    """The record has its sale."""
    await db.execute(Q.move_goods, show, lot, taken.variant, "sold")


async def ended(db: Connection, show: str) -> None:
    """The record has the show's end, with which the inventory gives back all that was not sold."""
    await db.execute(Q.end_goods, show)


async def open_lot(
    db: Connection, show: ShowId, lot: LotId, product: ProductId, ts: int, *, queued: bool
) -> LotId | Rejected:
    """The piece for a lot that is about to be opened, and the id to open it under. `show_ended`, `out_of_stock`, `no_such_variant`.

    Without a queued lot it may be the id of an earlier attempt whose command came to nothing: its piece was taken already. If that
    command is still on its way, the room refuses one of the two, for they have one id.
    """
    if refused := await _hold(db, show):
        return refused
    if not queued:
        earlier: str | None = await db.fetchval(Q.goods_left_opening, show, product)
        if earlier is not None:
            return LotId(earlier)
    here = [each for each in await of_object(db, show, lot) if each.product == product]
    if not any(each.state in {"taken", "opening", "open"} for each in here):
        if any(each.state == "sold" for each in here):
            return lot  # the room says what it is: known
        chosen: str | None = await db.fetchval(Q.variant_of_lot, lot) if queued else None
        if refused := await take_for_queue(db, show, lot, product, chosen, ts):
            return refused
    await db.execute(Q.goods_opening, show, lot, product)
    return lot


async def take_for_spotlight(
    db: Connection, show: ShowId, product: ProductId, units: int | None, first_units: int, ts: int
) -> dict[str, int] | Rejected:
    """All that the show was ever given of the product's variants for the spotlight, after taking `units` more of each (as many of
    them as there are). None: `first_units` for a product that it has nothing of. `show_ended`; `out_of_stock` when units were asked
    for and there is none of any. Empty: it is not sold.
    """
    if refused := await _hold(db, show):
        return refused
    here = {
        each.variant: each.given for each in await of_object(db, show, SPOTLIGHT) if each.product == product
    }
    wanted = units if units is not None else 0 if here else first_units
    if not wanted:
        return here
    stock = await _stock(db, product)
    more = {variant: min(wanted, left) for variant, left in stock.items()}
    if not any(more.values()):
        return out_of_stock(next(iter(stock)), 0) if units and stock else here
    for variant, taken in more.items():
        refused = await inventory.allot(db, show, variant, taken, ts)
        assert refused is None, "the stock is locked"
        await db.execute(Q.more_goods, show, SPOTLIGHT, variant, product, taken)
    return {variant: here.get(variant, 0) + more.get(variant, 0) for variant in {**here, **more}}


async def _stock(db: Connection, product: ProductId) -> dict[str, int]:
    """What is on hand of a product's variants, in the seller's order; locked in the order of ids, as everybody does."""
    rows = await db.fetch(Q.lock_variants, product)
    return {row["id"]: row["stock"] for row in sorted(rows, key=lambda row: int(row["position"]))}


async def _hold(db: Connection, show: ShowId) -> Rejected | None:
    """Holds the show, so that its end can't be recorded meanwhile: what is taken for an ended show would never come back."""
    status = await hold_show(db, show)
    if status is None:
        return errors.SHOW_NOT_FOUND
    return errors.SHOW_ENDED if status == "ended" else None
