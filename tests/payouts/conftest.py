"""A seller whose goods sell, and a provider in memory."""

import pytest

from liveserver.infra.database import Pool
from tests.orders.conftest import shop
from tests.payouts.stage import Stage

__all__ = ["shop"]


@pytest.fixture
def stage(shop: Pool) -> Stage:
    return Stage(shop)
