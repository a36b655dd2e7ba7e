"""A stage with fifty lamps."""

import pytest

from liveserver.infra.database import Pool
from tests.checkout.stage import Stage
from tests.orders.conftest import shop

__all__ = ["shop"]


@pytest.fixture
async def stage(shop: Pool) -> Stage:
    return Stage(shop)
