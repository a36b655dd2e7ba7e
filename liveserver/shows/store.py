"""Shows and queued lots as rows: each function is one statement of `queries.sql`, typed on both sides. It decides nothing."""

import msgspec

from liveserver.infra.database import Connection, Pool, Record, load_queries
from liveserver.kernel.ids import LotId, ProductId, ShowId, UserId
from liveserver.shows.model import ChatSettings, LotDraft, OnStage, QueuedLot, Show, ShowDraft, Status
from liveserver.shows.rules import LOT_TITLE_LENGTH_MAX

Q = load_queries("liveserver.shows")
Database = Pool | Connection
RANKS: dict[Status, int] = {"live": 0, "scheduled": 1, "ended": 2}
"""Order of the lists, as in migration 0004."""

Position = tuple[int, int, str]
"""Where a show stands in a list: rank, key, id."""


class ProductForLot(msgspec.Struct, frozen=True):
    """What a lot takes from a product."""

    title: str
    picture: str
    currency: str


def _show(row: Record) -> Show:
    return Show(
        ShowId(row["id"]),
        row["title"],
        row["description"],
        UserId(row["host"]),
        row["host_name"],
        tuple(row["moderators"]),
        row["currency"],
        row["status"],
        row["scheduled_ts"],
        row["started_ts"],
        row["ended_ts"],
        row["picture"],
        msgspec.convert(row["chat"], ChatSettings),
        row["created_ts"],
        row["requires_card"],
        tuple(row["co_hosts"]),
        msgspec.convert(row["stage"], tuple[OnStage, ...]),
    )


_LOT_FIELDS = tuple(name for name in QueuedLot.__struct_fields__ if name != "position")


def _lot(row: Record) -> QueuedLot:
    return QueuedLot(position=row["position"] or 0, **{name: row[name] for name in _LOT_FIELDS})


def _lot_columns(draft: LotDraft) -> tuple[object, ...]:
    return (
        draft.product,
        draft.title,
        draft.picture,
        draft.start,
        draft.reserve,
        draft.format,
        draft.exact,
        draft.increments,
        draft.preset,
        draft.duration_ms,
        draft.window_ms,
        draft.extend_ms,
        draft.hard_ms,
        draft.variant,
    )


async def insert_show(
    db: Database,
    show: ShowId,
    host: UserId,
    host_name: str,
    draft: ShowDraft,
    waiting_max: int,
    now_ms: int,
) -> bool:
    """False: the host has `waiting_max` shows waiting already."""
    added = await db.fetchval(
        Q.insert_show,
        show,
        draft.title,
        draft.description,
        host,
        host_name,
        draft.currency,
        draft.picture,
        draft.chat,
        draft.scheduled_ts,
        waiting_max,
        now_ms,
        draft.requires_card,
    )
    return added is not None


async def update_show(db: Database, show: ShowId, draft: ShowDraft) -> None:
    """Replaces what it says."""
    await db.execute(
        Q.update_show,
        show,
        draft.title,
        draft.description,
        draft.currency,
        draft.picture,
        draft.chat,
        draft.scheduled_ts,
        draft.requires_card,
    )


async def find_show(db: Database, show: ShowId) -> Show | None:
    """One show, or None."""
    row = await db.fetchrow(Q.find_show, show)
    return _show(row) if row else None


async def lock_show(db: Connection, show: ShowId, any_host: bool, host: str) -> Show | None:
    """The show if it is this host's, held until the transaction ends."""
    held = await db.fetchval(Q.lock_show, show, any_host, host)
    return None if held is None else await find_show(db, show)


async def hold_show(db: Connection, show: ShowId) -> Status | None:
    """Holds a show until the transaction ends, whoever's it is; its status, or None when there is none."""
    return await db.fetchval(Q.hold_show, show)


async def show_of_lot(db: Database, lot: LotId, any_host: bool, host: str) -> ShowId | None:
    """The show a lot belongs to, if it is this host's."""
    found = await db.fetchval(Q.show_of_lot, lot, any_host, host)
    return None if found is None else ShowId(found)


async def list_shows(
    db: Database, status: Status | None, host: UserId | None, after: Position | None, limit: int
) -> list[tuple[Position, Show]]:
    """Shows in list order with their positions, from after `after`."""
    rank = None if status is None else RANKS[status]
    rows = await db.fetch(Q.list_shows, rank, host, *(after or (None, None, None)), limit)
    return [((row["list_rank"], row["list_key"], row["id"]), _show(row)) for row in rows]


async def set_co_hosts(db: Database, show: ShowId, people: tuple[UserId, ...]) -> None:
    """Replaces the co-hosts."""
    await db.execute(Q.set_co_hosts, show, people)


async def set_stage(db: Database, show: ShowId, people: tuple[OnStage, ...]) -> None:
    """Replaces who is on stage."""
    await db.execute(Q.set_stage, show, people)


async def add_moderator(db: Database, show: ShowId, person: UserId, now_ms: int, at_most: int) -> bool:
    """False: already named, or there are `at_most`."""
    return await db.fetchval(Q.add_moderator, show, person, now_ms, at_most) is not None


async def remove_moderator(db: Database, show: ShowId, person: UserId) -> None:
    """Takes the office back; from nobody, if they have none."""
    await db.execute(Q.remove_moderator, show, person)


async def is_account(db: Database, person: UserId) -> bool:
    """Whether somebody with this id registered here."""
    return bool(await db.fetchval(Q.is_account, person))


async def queue(db: Database, show: ShowId) -> list[QueuedLot]:
    """The lots waiting, in their order."""
    return [_lot(row) for row in await db.fetch(Q.queue, show)]


async def opened_lots(db: Database, show: ShowId, at_most: int) -> list[QueuedLot]:
    """The lots opened last, in the order of opening."""
    return [_lot(row) for row in await db.fetch(Q.opened_lots, show, at_most)]


async def find_lot(db: Database, lot: LotId) -> QueuedLot | None:
    """One lot, waiting or opened."""
    row = await db.fetchrow(Q.find_lot, lot)
    return _lot(row) if row else None


async def count_queue(db: Database, show: ShowId) -> int:
    """How many lots wait."""
    return int(await db.fetchval(Q.count_queue, show) or 0)


async def product_for_lot(db: Database, product: ProductId, seller: UserId) -> ProductForLot | None:
    """What a lot takes from a product on offer, if it is this seller's."""
    row = await db.fetchrow(Q.product_for_lot, product, seller)
    return ProductForLot(row["title"], row["picture"], row["currency"]) if row else None


async def lot_title(db: Database, product: ProductId | None, variant: str | None) -> str:
    """What a lot of this product and variant is called unless its host says otherwise; "" when the product is gone."""
    row = await db.fetchrow(Q.lot_title, product, variant)
    if row is None:
        return ""
    options = " / ".join(part for part in (row["color"], row["size"]) if part)
    title = f"{row['title']}, {options}" if options else row["title"]
    return title if len(title) <= LOT_TITLE_LENGTH_MAX else row["title"]


async def insert_lot(
    db: Connection, lot: LotId, show: ShowId, position: int, draft: LotDraft, now_ms: int
) -> None:
    """Adds a lot at a position that is free."""
    await db.execute(Q.insert_lot, lot, show, position, *_lot_columns(draft), now_ms)


async def update_lot(db: Connection, lot: LotId, draft: LotDraft) -> None:
    """Replaces what a lot says."""
    await db.execute(Q.update_lot, lot, *_lot_columns(draft))


async def delete_lot(db: Connection, show: ShowId, lot: LotId) -> bool:
    """Removes a waiting lot and closes the gap; the show must be held. False: it does not wait."""
    position = await db.fetchval(Q.delete_lot, lot)
    if position is None:
        return False
    await db.execute(Q.close_gap, show, position)
    return True


async def reorder(db: Connection, show: ShowId, lots: list[LotId]) -> None:
    """Puts all waiting lots into this order; the show must be held."""
    await db.execute(Q.reorder, show, lots)


async def open_lot(db: Connection, lot: LotId, ts: int) -> bool:
    """Takes a lot out of the queue and closes the gap. False: it does not wait (any more)."""
    if await db.fetchval(Q.hold_show_of_lot, lot) is None:
        return False
    row = await db.fetchrow(Q.open_lot, lot, ts)
    if row is None:
        return False
    await db.execute(Q.close_gap, row["show"], row["position"])
    return True


async def start_show(db: Connection, show: ShowId, ts: int) -> None:
    """Marks a scheduled show live."""
    await db.execute(Q.start_show, show, ts)


async def end_show(db: Connection, show: ShowId, ts: int) -> None:
    """Marks a live show ended."""
    await db.execute(Q.end_show, show, ts)


async def add_reminder(db: Database, show: ShowId, person: str, now_ms: int, at_most: int) -> bool:
    """Whether it is there now; False: they wait for `at_most` shows already."""
    await db.execute(Q.add_reminder, show, person, now_ms, at_most)
    return bool(await db.fetchval(Q.has_reminder, show, person))


async def remove_reminder(db: Database, show: ShowId, person: str) -> None:
    """Forgets it."""
    await db.execute(Q.remove_reminder, show, person)


async def reminders_of(db: Database, person: UserId, at_most: int) -> tuple[ShowId, ...]:
    """The shows somebody waits for, the soonest first."""
    return tuple(ShowId(row["show"]) for row in await db.fetch(Q.reminders_of, person, at_most))
