"""A seller whose goods sell, and a provider in memory."""

from collections.abc import AsyncIterator

import pytest

from liveserver.accounts import store
from liveserver.accounts.model import Account
from liveserver.infra.database import Pool, open_pool
from tests.orders.conftest import shop
from tests.orders.shop import SELLER, TS
from tests.payouts.stage import Stage
from tests.support.shared_database import SharedDatabase, shared_database

__all__ = ["shared_database", "shop"]


@pytest.fixture
async def database_url(shared_database: SharedDatabase) -> str:
    """One for the folder, emptied: there are many tests here, and none leaves anybody running."""
    return await shared_database.emptied()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Of four connections, which are enough to race with: each new one costs a test as much as emptying the database."""
    pool = await open_pool(database_url, application="test", connections_max=4)
    yield pool
    pool.terminate()


@pytest.fixture
async def sellers_shop(shop: Pool) -> Pool:
    """The seller and the goods alone, for tests that bring a provider of their own."""
    seller = Account(SELLER, "Sam", "sam@example.org", "host", True, TS)
    assert await store.insert_account(shop, seller, "$argon2id$of-nobody") is None
    return shop


@pytest.fixture
def stage(sellers_shop: Pool) -> Stage:
    return Stage(sellers_shop)
