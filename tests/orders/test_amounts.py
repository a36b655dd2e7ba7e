"""How much an order can come to: what its payment could not be booked with is refused while it is still a wish."""

import pytest

from liveserver.infra.database import Pool
from liveserver.kernel.errors import Rejected
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.orders import moves
from liveserver.orders.errors import TOO_LARGE
from liveserver.orders.model import Address, Order, TaxLine
from tests.orders.shop import TS, captured, does, draft, escrow, places, stock

BERN = Address(name="Bea", line1="Gasse 1", city="Bern", postal_code="3011", country="CH")


@pytest.mark.parametrize("more", [{"quantity": 2, "shipping": 0}, {"shipping": 1}])
async def test_an_order_of_more_than_an_amount_can_be_is_refused_and_holds_nothing(
    shop: Pool, more: dict[str, int]
):
    assert await does(shop, moves.place, draft(price=AMOUNT_MAX, **more), TS) == TOO_LARGE
    assert await stock(shop) == 50


async def test_the_largest_is_paid_like_any_other(shop: Pool):
    order = await places(shop, draft(price=AMOUNT_MAX, shipping=0))
    paid = await does(shop, moves.paid, order.id, captured(order), TS)
    assert isinstance(paid, Order)
    assert await escrow(shop, paid) == AMOUNT_MAX


async def test_nor_can_postage_and_tax_of_another_place_make_it_larger(shop: Pool):
    order = await places(shop, draft(price=AMOUNT_MAX - 10, shipping=0))
    tax = (TaxLine("VAT", 1_900, 6),)
    refused = await does(shop, moves.reprice, order.id, BERN, 5, "Parcel", tax, TS)
    assert isinstance(refused, Rejected)
    assert refused == TOO_LARGE
