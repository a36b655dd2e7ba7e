"""Sam sells lamps and vases, Tia plates; everything is in dollars but one print."""

import pytest

from liveserver.infra.database import Pool
from tests.cart.market import Market


@pytest.fixture
async def market(pool: Pool) -> Market:
    market = Market(pool)
    await market.offers("lamp", "user_sam", 5_000, stock=50, category="home")
    await market.offers("vase", "user_sam", 3_333, stock=5, category="ceramics")
    await market.offers("plate", "user_tia", 1_000, stock=9)
    await market.offers("print", "user_tia", 900, stock=3, currency="EUR")
    return market
