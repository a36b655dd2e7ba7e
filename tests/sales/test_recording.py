"""What rooms sold becomes orders, once, with the stock that the show took along; and recording goes on whatever is wrong."""

import asyncio
import random

import asyncpg
import pytest
from structlog.testing import capture_logs

from liveserver.infra.database import transaction
from liveserver.inventory import store as inventory
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId, ShowId
from liveserver.orders import moves
from liveserver.orders.model import Order
from liveserver.sales.model import PlaceJob
from liveserver.sales.placing import Unplaceable
from liveserver.sales.recording import works
from tests.sales.conftest import (
    HOME,
    LAMP,
    SHOW,
    TS,
    VASE,
    WINDOW_MS,
    Stage,
    bid,
    claimed,
    ended,
    hammered,
    opened,
    passed,
    sold,
)


async def test_a_lot_that_was_sold_is_ordered_once_however_often_it_is_told(stage: Stage):
    stage.cart.addresses["u_ana"] = HOME
    lot = await stage.opens("lot_1")
    rows = await stage.sells(lot)
    await stage.records_again(rows)
    await stage.records_again(rows)
    (order,) = await stage.orders()
    assert (order["origin"], order["source"], order["show"]) == (f"lot:{SHOW}:{lot}", "auction", SHOW)
    assert (order["buyer"], order["buyer_name"]) == ("u_ana", "Ana")
    assert (order["seller"], order["seller_name"]) == ("u_hana", "Hana")
    assert (order["item"], order["shipping"], order["currency"]) == (1200, 400, "EUR")
    assert (order["title"], order["variant"], order["sku"]) == ("Lot lot_1", LAMP, LAMP)
    assert (order["options"], order["picture"]) == ("Red / M", "/lot.svg")
    assert order["due_ts"] - order["created_ts"] == WINDOW_MS
    assert order["test"]
    assert sorted(await stage.jobs()) == ["checkout.charge", "checkout.expire"]
    assert await stage.on_hand() == 49
    assert await inventory.stock_apart(stage.pool) == []


async def test_a_lot_that_is_in_no_catalog_is_ordered_by_its_title(stage: Stage):
    lot = await stage.opens("lot_1", None)
    await stage.sells(lot, product=None)
    (order,) = await stage.orders()
    assert (order["title"], order["variant"], order["shipping"], order["address"]) == (
        "Lot lot_1",
        "",
        0,
        None,
    )


async def test_what_did_not_sell_goes_back_on_the_shelf(stage: Stage):
    lot = await stage.opens("lot_1")
    assert await stage.on_hand() == 49
    rows = await stage.records(passed(lot))
    await stage.records_again(rows)
    assert await stage.on_hand() == 50
    again = await stage.opens("lot_2")
    assert again == "lot_2"
    assert await stage.orders() == []


async def test_a_claim_is_ordered_with_its_pieces(stage: Stage):
    assert await stage.shows.take_for_spotlight(ShowId(SHOW), ProductId("product_1"), 10, 10) == {
        LAMP: 10,
        VASE: 5,
    }
    rows = await stage.records(claimed("c1", quantity=3), claimed("c2", "u_ben"))
    await stage.records_again(rows)
    first, second = await stage.orders()
    assert (first["origin"], first["source"], first["quantity"], first["item"]) == (
        f"claim:{SHOW}:c1", "claim", 3, 7500,
    )  # fmt: skip
    assert (first["title"], first["options"], first["buyer"]) == ("Lamp", "Red", "u_ana")
    assert second["buyer"] == "u_ben"
    await stage.records_again(await stage.records(ended()))
    assert (await stage.on_hand(), await stage.on_hand(VASE)) == (46, 5)
    assert await inventory.stock_apart(stage.pool) == []


async def test_row_32_what_a_show_did_not_sell_comes_back_with_its_recorded_end_alone(stage: Stage):
    await stage.shows.take_for_spotlight(ShowId(SHOW), ProductId("product_1"), 10, 10)
    lot = await stage.opens("lot_1")
    await stage.records(bid(lot), hammered(lot))
    assert await stage.on_hand() == 39
    await stage.records(ended())
    assert await stage.on_hand() == 49, "the hammered lot is sold, whenever its confirmation is recorded"
    await stage.records(sold(lot))
    (order,) = await stage.orders()
    assert order["variant"] == LAMP
    assert await inventory.stock_apart(stage.pool) == []


async def test_a_lot_that_became_another_product_s_on_its_way_gives_the_other_one_back(stage: Stage):
    lot = await stage.shows.take_for_lot(ShowId(SHOW), LotId("lot_1"), ProductId("product_1"), queued=False)
    await stage.records(opened(str(lot), None))
    assert await stage.on_hand() == 50


async def test_an_order_that_is_not_paid_in_time_brings_its_goods_back(stage: Stage):
    lot = await stage.opens("lot_1")
    await stage.sells(lot)
    (order,) = await stage.orders()
    async with transaction(stage.pool) as on:
        expired = await moves.expire(on, order["id"], order["due_ts"])
    assert isinstance(expired, Order)
    assert expired.defaulted
    assert await stage.on_hand() == 50
    assert await inventory.stock_apart(stage.pool) == []


@pytest.mark.parametrize(
    "broken",
    [ValueError("a mistake of ours"), Unplaceable("no show"), asyncpg.CheckViolationError("too long")],
)
async def test_recording_goes_on_when_an_order_can_not_be_placed_and_a_job_places_it(
    stage: Stage, clock: VirtualClock, broken: Exception
):
    lot = await stage.opens("lot_1")
    stage.cart.broken = broken
    with capture_logs() as logs:
        rows = await stage.sells(lot)
        await stage.records_again(rows)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["sale_without_order"] * 2
    assert await stage.orders() == []
    assert await stage.on_hand() == 49, "sold all the same"
    assert await stage.unplaced() == 1
    assert await stage.jobs() == ["sales.place"]
    (work,) = works(stage.pool, clock, stage.placing)
    job = PlaceJob(f"lot:{SHOW}:{lot}")
    with pytest.raises(type(broken)):
        await work.run(job)
    stage.cart.broken = None
    await work.run(job)
    await work.run(job)
    (order,) = await stage.orders()
    assert order["origin"] == job.origin
    assert order["due_ts"] == clock.now_ms() + WINDOW_MS, "the time to pay begins when it can be paid"
    assert await stage.unplaced() == 0


async def test_a_lost_connection_is_no_reason_of_business(stage: Stage):
    lot = await stage.opens("lot_1")
    stage.cart.broken = asyncpg.ConnectionDoesNotExistError("gone")
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await stage.sells(lot)
    assert await stage.unplaced() == 0


async def test_a_contradiction_between_room_and_record_is_said_and_the_sale_stands(stage: Stage):
    with capture_logs() as logs:
        await stage.records(claimed("c1"))
    assert [line["event"] for line in logs] == ["sold_beyond_allotment"]
    assert len(await stage.orders()) == 1


async def test_batches_without_sales_ask_the_database_nothing(stage: Stage):
    class NoDatabase:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} was used")

    from liveserver.rooms.lifecycle import ShowStarted  # a fact that sells nothing
    from liveserver.rooms.store import NewFact

    row = NewFact(1, 0, TS, "show_started", ShowStarted(by="u_hana"), b"{}")  # pyright: ignore[reportArgumentType]  # not read
    await stage._record(NoDatabase(), SHOW, [row] * 5_000)  # pyright: ignore[reportArgumentType, reportPrivateUsage]  # the point


async def test_two_hundred_buyers_of_fifty_over_carts_lots_and_the_spotlight_at_once(stage: Stage):
    """Carts reserve, lots take a piece each before they open, the spotlight sells what the room was told it has."""
    room: dict[str, int] = {"given": 0, "sold": 0}
    sales = {"cart": 0, "lot": 0, "claim": 0}
    recorder = asyncio.Lock()

    async def in_cart(number: int) -> None:
        async with transaction(stage.pool) as on:
            refused = await inventory.reserve(on, f"order_{number}", {LAMP: 1}, TS + 1, TS)
            if refused is None:
                await inventory.sell(on, f"order_{number}")
                sales["cart"] += 1

    async def as_lot(number: int) -> None:
        taken = await stage.shows.take_for_lot(
            ShowId(SHOW),
            LotId(f"lot_{number}"),
            ProductId("product_1"),
            queued=False,
        )
        if isinstance(taken, Rejected):
            return
        async with recorder:  # a show has one
            if taken in opened_lots:
                return  # two edges had the same attempt: the room opens it once
            opened_lots.add(taken)
            await stage.records(opened(taken))
            await stage.sells(taken)
            sales["lot"] += 1

    async def claims(number: int) -> None:
        given = await stage.shows.take_for_spotlight(ShowId(SHOW), ProductId("product_1"), 1, 1)
        if not isinstance(given, Rejected):
            room["given"] = max(room["given"], given[LAMP])
        if room["sold"] < room["given"]:  # the room's decision: no await in between
            room["sold"] += 1
            async with recorder:
                await stage.records(claimed(f"c{number}"))
            sales["claim"] += 1

    opened_lots: set[str] = set()
    buyers = [(in_cart, as_lot, claims)[number % 3](number) for number in range(200)]
    random.Random(7).shuffle(buyers)
    await asyncio.gather(*buyers)
    await stage.records(ended())
    left = await stage.on_hand() + await stage.on_hand(VASE)
    vases = sum(order["variant"] == VASE for order in await stage.orders())
    assert sum(sales.values()) + left == 55
    assert sum(sales.values()) - vases <= 50
    assert min(sales.values()) > 0, f"all three ways sold something: {sales}"
    assert await inventory.stock_apart(stage.pool) == []
