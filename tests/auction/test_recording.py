"""What the recorder writes of lots, on the real PostgreSQL: a row per lot, however the facts are cut into batches."""

from liveserver.auction import results
from liveserver.auction.recording import record
from liveserver.infra.database import Pool
from liveserver.rooms.store import NewFact, fact_rows
from tests.support.shows import SHOW, LocalShow


def rows_of(show: LocalShow) -> list[NewFact]:
    room = show.replayed(0)
    return fact_rows([room.apply(entry) for entry in show.entries])


def afternoon() -> LocalShow:
    show = LocalShow()
    show.opens("lot_1", start=1000, title="Leica", product="prod_1")
    show.ana.bids(3000)
    show.ben.bids(2000)
    show.ends()
    show.opens("lot_2")
    show.host.passes()
    show.opens("lot_3", reserve=9000)
    show.cleo.bids(5000)
    show.ends()
    show.opens("lot_4")
    show.ana.bids(3000)
    show.ben.bids(8000)
    show.host.calls()
    show.host.voids(show.ben)
    return show


async def written(pool: Pool, rows: list[NewFact], size: int) -> list[results.LotResult]:
    for at in range(0, len(rows), size):
        async with pool.acquire() as connection, connection.transaction():
            await record(connection, SHOW, rows[at : at + size])
    return await results.of_show(pool, SHOW)


async def test_a_row_for_every_lot(pool: Pool):
    show = afternoon()
    sold, passed, unmet, running = await written(pool, rows_of(show), 10_000)
    assert (sold.status, sold.price, sold.winner, sold.alias, sold.bids) == ("sold", 2100, "u_ana", "Ana", 2)
    assert (sold.title, sold.product, sold.start) == ("Leica", "prod_1", 1000)
    assert sold.closed_ts is not None
    assert sold.closed_ts > sold.opened_ts
    assert (passed.status, passed.reason, passed.winner) == ("passed", "host", None)
    assert (unmet.status, unmet.reason, unmet.price) == ("passed", "reserve_not_met", 5000)
    assert (running.status, running.price, running.winner, running.bids) == ("open", 1000, "u_ana", 1)
    assert running.closed_ts is None
    assert [lot.head for lot in (sold, passed, unmet, running)] == [
        doc["head"] for doc in show.snapshot()["lots"].values()
    ]


async def test_batches_cut_anywhere_come_to_the_same(pool: Pool):
    rows = rows_of(afternoon())
    one_by_one = await written(pool, rows, 1)
    await pool.execute("DELETE FROM lots")
    assert await written(pool, rows, 3) == one_by_one
    await pool.execute("DELETE FROM lots")
    assert await written(pool, rows, 10_000) == one_by_one


async def test_facts_that_come_again_change_nothing(pool: Pool):
    rows = rows_of(afternoon())
    once = await written(pool, rows, 10_000)
    assert await written(pool, rows, 10_000) == once
    assert await written(pool, rows[:5], 1) == once


async def test_what_somebody_won(pool: Pool):
    await written(pool, rows_of(afternoon()), 10_000)
    assert [lot.id for lot in await results.won_by(pool, "u_ana")] == ["lot_1"]
    assert await results.won_by(pool, "u_ben") == []
    assert await results.find(pool, SHOW, "lot_9") is None


async def test_a_queued_lot_leaves_its_queue_when_it_opens(pool: Pool):
    now = 1_700_000_000_000
    await pool.execute(
        "INSERT INTO shows (id, title, description, host, host_name, currency, picture, chat, created_ts)"
        " VALUES ($1, 'Cameras', '', 'u_host', 'Host', 'USD', '', '{}', $2)",
        SHOW,
        now,
    )
    for position, lot in enumerate(("lot_1", "lot_x"), start=1):
        await pool.execute(
            "INSERT INTO queued_lots (id, show, position, title, picture, start, format, exact, increments, preset, created_ts)"
            " VALUES ($1, $2, $3, 'Leica', '', 1000, 'english', false, 'live', 'live', $4)",
            lot,
            SHOW,
            position,
            now,
        )
    await written(pool, rows_of(afternoon()), 10_000)
    rows = await pool.fetch("SELECT id, status, position FROM queued_lots ORDER BY id")
    assert [tuple(row) for row in rows] == [("lot_1", "opened", None), ("lot_x", "queued", 1)]
