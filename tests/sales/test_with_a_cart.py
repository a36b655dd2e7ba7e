"""Sales priced by the real cart: postage once for a show, to where the buyer has things sent; without an address the order waits."""

import pytest

from liveserver.cart import addresses, shipping
from liveserver.cart.model import Kept, Method, MethodDraft
from liveserver.cart.quotes import Quotes
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.sales.placing import Placing
from liveserver.sales.recording import Recording
from tests.sales.conftest import HOME, TS, WINDOW_MS, Stage, claimed


@pytest.fixture
async def priced(stage: Stage, clock: VirtualClock) -> Stage:
    stage.placing = Placing(Quotes(clock, Settings()), WINDOW_MS, test=True)
    stage._record = Recording(stage.placing)
    return stage


async def test_without_an_address_the_goods_are_ordered_and_wait(priced: Stage):
    await priced.records(claimed("c1"))
    (order,) = await priced.orders()
    assert (order["item"], order["shipping"], order["address"]) == (2500, 0, None)
    assert order["commission"] == 200
    assert await priced.jobs() == ["checkout.expire"], "nobody is charged for what can't be sent"


async def test_the_usual_address_is_the_order_s_and_postage_is_bundled_for_the_show(
    priced: Stage, pool: Pool
):
    async with transaction(pool) as on:
        assert isinstance(await addresses.add(on, "u_ana", HOME, TS, usual=True), Kept)
        parcel = MethodDraft(name="Parcel", currency="EUR", first=500, further=120)
        assert isinstance(await shipping.add(on, "u_hana", parcel), Method)
    await priced.records(claimed("c1"), claimed("c2"))
    lot = await priced.opens("lot_1")
    await priced.sells(lot)
    orders = await priced.orders()
    assert [order["address"]["city"] for order in orders] == ["Bern", "Bern", "Bern"]
    assert [order["shipping"] for order in orders] == [500, 120, 120]
    assert {order["shipping_method"] for order in orders} == {"Parcel"}
    assert (await priced.jobs()).count("checkout.charge") == 3


async def test_where_the_seller_does_not_ship_the_sale_stands_all_the_same(priced: Stage, pool: Pool):
    async with transaction(pool) as on:
        assert isinstance(await addresses.add(on, "u_ana", HOME, TS, usual=True), Kept)
        parcel = MethodDraft(name="Parcel", currency="EUR", first=500, countries=("JP",))
        assert isinstance(await shipping.add(on, "u_hana", parcel), Method)
    await priced.records(claimed("c1"))
    (order,) = await priced.orders()
    assert (order["item"], order["shipping"], order["shipping_method"]) == (2500, 0, "")
    assert order["address"] is None, "another place is asked for"
    assert "checkout.charge" not in await priced.jobs()


async def test_a_seller_without_ways_to_ship_ships_free(priced: Stage, pool: Pool):
    async with transaction(pool) as on:
        assert isinstance(await addresses.add(on, "u_ana", HOME, TS, usual=True), Kept)
    await priced.records(claimed("c1"))
    (order,) = await priced.orders()
    assert (order["shipping"], order["address"]["city"]) == (0, "Bern")
    assert "checkout.charge" in await priced.jobs()
