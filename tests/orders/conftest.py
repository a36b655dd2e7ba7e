"""A shop with fifty lamps and five vases."""

import pytest

from liveserver.infra.database import Pool, transaction
from liveserver.inventory import store as inventory
from tests.orders.shop import LAMP, TS, VASE


@pytest.fixture
async def shop(pool: Pool) -> Pool:
    await pool.execute(
        "INSERT INTO products (id, seller, title, description, price, currency, images, created_ts, search_title, search_rest) "
        "VALUES ('product_1', 'user_sam', 'Lamp', '', 5000, 'USD', '{}', 1, '', '')"
    )
    for position, (variant, stock) in enumerate([(LAMP, 50), (VASE, 5)], 1):
        await pool.execute(
            "INSERT INTO variants (id, product, position, sku, color, size, stock, price) "
            "VALUES ($1, 'product_1', $2, $1, '', '', 0, 5000)",
            variant,
            position,
        )
        async with transaction(pool) as on:
            await inventory.count(on, variant, stock, TS)
    return pool
