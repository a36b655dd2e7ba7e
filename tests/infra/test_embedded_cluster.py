"""The embedded cluster's life: it keeps its members, its data and its shape over restarts, and brings back who dies."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from liveserver.infra.engines import EngineError
from liveserver.infra.engines.cluster import embedded_cluster
from liveserver.infra.shards import Shards
from tests.support.clusters import until

ELSEWHERE = "postgresql://elsewhere/x"
KEYS = [f"ls:{{show_{at}}}:key" for at in range(12)]


async def test_a_cluster_is_found_again_with_all_it_had(new_data_dir: Callable[[], Path]):
    data_dir = new_data_dir()
    async with embedded_cluster(data_dir, ELSEWHERE, shards=3) as engines:
        assert engines.database_url == ELSEWHERE
        members = [member for member, _ in engines.members]
        shards = await Shards.connect(engines.redis_url)
        for key in KEYS:
            await shards.of(key).general.set(key, key)
        await shards.aclose()

    async with embedded_cluster(data_dir, ELSEWHERE, shards=3) as engines:
        assert [member for member, _ in engines.members] == members
        shards = await Shards.connect(engines.redis_url)
        assert [await shards.of(key).general.get(key) for key in KEYS] == [key.encode() for key in KEYS]

        os.kill(engines.members[0][1].pid, signal.SIGKILL)

        async def all_there() -> bool:
            with suppress(RedisError, OSError):
                return [await shards.of(key).general.get(key) for key in KEYS] == [
                    key.encode() for key in KEYS
                ]
            return False

        await until(all_there)
        await shards.aclose()

    with pytest.raises(
        EngineError, match="holds a cluster of 3 shards with 0 replicas each, not of 3 with 1"
    ):
        async with asyncio.timeout(20), embedded_cluster(data_dir, ELSEWHERE, shards=3, replicas=1):
            raise AssertionError("another shape would lose or double slots")
