"""A seller whose goods sell, and a provider in memory."""

import pytest

from liveserver.accounts import store
from liveserver.accounts.model import Account
from liveserver.infra.database import Pool
from tests.orders.conftest import shop
from tests.orders.shop import SELLER, TS
from tests.payouts.stage import Stage

__all__ = ["shop"]


@pytest.fixture
async def stage(shop: Pool) -> Stage:
    seller = Account(SELLER, "Sam", "sam@example.org", "host", True, TS)
    assert await store.insert_account(shop, seller, "$argon2id$of-nobody") is None
    return Stage(shop)
