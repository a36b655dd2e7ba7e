"""What tests may rely on: real engines, isolated data."""

from redis.asyncio import Redis

from liveserver.infra.database import Pool


async def test_each_test_gets_a_fresh_database_first(pool: Pool):
    await pool.execute("CREATE TABLE left_behind (x int)")


async def test_each_test_gets_a_fresh_database_second(pool: Pool):
    assert await pool.fetchval("SELECT to_regclass('left_behind')") is None
    assert await pool.fetchval("SELECT to_regclass('schema_migrations')") is not None


async def test_each_test_gets_an_empty_valkey_first(redis: Redis):
    await redis.set("left", "behind")


async def test_each_test_gets_an_empty_valkey_second(redis: Redis):
    assert await redis.get("left") is None
