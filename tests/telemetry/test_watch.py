"""What a process finds about its engines: up, away and for how long, whose clock is off."""

from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import ConnectionError as RedisAway

from liveserver.infra.database import Pool
from liveserver.infra.redis import general
from liveserver.infra.shards import Shards
from liveserver.infra.watch import Watch, engines_of
from liveserver.kernel.clock import SystemClock, VirtualClock

Ask = Callable[[], Awaitable[int]]


def telling(ms: int) -> Ask:
    async def ask() -> int:
        return ms

    return ask


async def away() -> int:
    raise RedisAway("nobody there")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_000_000)


async def test_time_away_adds_up_and_stays(clock):
    asks = {"redis": telling(1_000_000)}
    watch = Watch(lambda: asks, clock)
    await watch.look(0.0)
    assert watch.engines["redis"].up
    asks["redis"] = away
    await watch.look(1.0)
    await watch.look(2.5)
    assert (watch.engines["redis"].up, watch.engines["redis"].away_s) == (False, 3.5)
    asks["redis"] = telling(1_000_000)
    await watch.look(1.0)
    assert (watch.engines["redis"].up, watch.engines["redis"].away_s) == (True, 3.5)


async def test_a_clock_that_is_ahead_is_seen(clock):
    watch = Watch(lambda: {"redis": telling(1_005_000), "postgresql": telling(999_000)}, clock)
    await watch.look(0.0)
    assert watch.engines["redis"].ahead_ms == pytest.approx(5_000, abs=50)
    assert watch.engines["postgresql"].ahead_ms == pytest.approx(-1_000, abs=50)


async def test_a_shard_that_is_gone_is_no_longer_told(clock):
    asks = {"redis a:1": telling(0), "redis b:1": telling(0)}
    watch = Watch(lambda: asks, clock)
    await watch.look(0.0)
    del asks["redis b:1"]
    await watch.look(1.0)
    assert list(watch.engines) == ["redis a:1"]


async def test_the_real_engines_answer_and_their_clocks_are_this_machines(pool: Pool, redis_url: str):
    redis = general(redis_url)
    watch = Watch(engines_of(pool, Shards.around(redis)), SystemClock())
    await watch.start()
    await watch.aclose()
    await redis.aclose()
    assert set(watch.engines) == {"postgresql", "redis"}
    for engine in watch.engines.values():
        assert engine.up
        assert abs(engine.ahead_ms) < 1_000
