"""The log's functions on the real Valkey: order, chain, fence, nonce, time, and what they refuse (docs: the five traps)."""

import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, ReadOnlyError
from redis.exceptions import ConnectionError as RedisConnectionError

from liveserver.infra.engines import Engines
from liveserver.infra.redis import append_connection, general
from liveserver.infra.shards import Shards
from liveserver.kernel.clock import SystemClock
from liveserver.rooms.log import (
    LogCorrupt,
    Refusal,
    ShowLog,
    checked,
    entry_hash,
    is_whole,
    load_functions,
    parse_message,
)

NOW = SystemClock().now_ms
META = "ls:{show_1}:meta"
STREAM = "ls:{show_1}:log"


async def test_batches_get_consecutive_numbers_rising_time_and_a_chain(show_log: ShowLog) -> None:
    one = await show_log.append("n1", 1, NOW(), 3, b"abc")
    two = await show_log.append("n2", 1, NOW(), 2, b"de")
    assert (one.first, one.last, two.first, two.last) == (1, 3, 4, 5)
    assert one.ts <= two.ts
    assert (one.prev, two.prev) == ("", one.hash)
    assert is_whole(one)
    assert is_whole(two)
    assert await show_log.read(1, 0) == [one, two]
    assert await show_log.read(1, 3) == [two]


async def test_what_is_published_is_what_is_stored(show_log: ShowLog, redis: Redis) -> None:
    pubsub = redis.pubsub()
    await pubsub.ssubscribe(show_log.channel)
    assert (await pubsub.get_message(timeout=5))["type"] == "ssubscribe"
    entry = await show_log.append("n1", 1, NOW(), 1, b"\n\x00 binary \xff")
    message = await pubsub.get_message(timeout=5)
    assert parse_message(message["data"]) == entry
    with pytest.raises(LogCorrupt):
        checked(parse_message(message["data"] + b"x"))
    await pubsub.aclose()


async def test_row_1_a_batch_appended_again_is_answered_not_repeated(show_log: ShowLog) -> None:
    first = await show_log.append("n1", 7, NOW(), 2, b"ab")
    again = await show_log.append("n1", 7, NOW(), 2, b"ab")
    assert again == first
    assert await show_log.read(1, 0) == [first]


async def test_row_1_a_late_copy_of_an_earlier_batch_is_refused(show_log: ShowLog) -> None:
    await show_log.append("n1", 7, NOW(), 1, b"a")
    await show_log.append("n1", 8, NOW(), 1, b"b")
    with pytest.raises(Refusal, match="STALE"):
        await show_log.append("n1", 7, NOW(), 1, b"a")


async def test_row_10_no_log_is_created_by_appending(show_log: ShowLog, redis: Redis) -> None:
    await redis.delete(META)
    with pytest.raises(Refusal, match="NOLOG"):
        await show_log.append("n1", 1, NOW(), 1, b"a")


async def test_row_11_a_function_that_stopped_half_way_is_mended_by_the_next(
    show_log: ShowLog, redis: Redis
) -> None:
    await show_log.append("n1", 1, NOW(), 1, b"a")
    meta = await redis.hgetall(META)
    second = await show_log.append("n1", 2, NOW(), 2, b"bc")
    # As if the function had failed between writing the entry and writing meta.
    await redis.delete(META)
    await redis.hset(META, mapping=meta)
    assert await show_log.append("n1", 2, NOW(), 2, b"bc") == second, "the nonce is found again"
    third = await show_log.append("n2", 1, NOW(), 1, b"d")
    assert (third.first, third.prev) == (4, second.hash)
    assert [e.last for e in await show_log.read(1, 0)] == [1, 3, 4]


async def test_row_12_the_library_is_loaded_if_absent_and_never_replaced(redis_url: str) -> None:
    redis = general(redis_url)
    other = "#!lua name=liveserver_log_v2\nredis.register_function('liveserver_other_v1', function() return 1 end)"
    await redis.execute_command("FUNCTION", "LOAD", other)
    await load_functions(redis)
    listed = await redis.execute_command("FUNCTION", "LIST", "WITHCODE")
    assert other.encode() in listed[0], "a library that another release uses stays as it is"
    await redis.aclose()


@pytest.mark.parametrize("off_ms", [-3_600_000, -1_500, 1_500, 7_200_000])
async def test_row_17_nothing_is_stamped_while_clocks_disagree(show_log: ShowLog, off_ms: int) -> None:
    with pytest.raises(Refusal, match="CLOCK"):
        await show_log.append("n1", 1, NOW() + off_ms, 1, b"a")
    assert await show_log.read(1, 0) == []


async def test_row_16_time_behind_the_last_entry_stamps_nothing(show_log: ShowLog, redis: Redis) -> None:
    await redis.hset(META, "ts", str(NOW() + 7_200_000))
    with pytest.raises(Refusal, match="CLOCK"):
        await show_log.append("n1", 1, NOW(), 1, b"a")


async def test_a_small_step_back_repeats_the_last_time(show_log: ShowLog, redis: Redis) -> None:
    ahead = NOW() + 500
    await redis.hset(META, "ts", str(ahead))
    assert (await show_log.append("n1", 1, NOW(), 1, b"a")).ts == ahead


async def test_what_is_too_far_ahead_of_the_record_is_refused(redis_url: str) -> None:
    redis, appends = general(redis_url), append_connection(redis_url)
    log = ShowLog("show_1", Shards.around(redis, [appends]), unrecorded_max=3)
    await log.open(1, 0, 0, "", await log.head())
    await log.append("n1", 1, NOW(), 3, b"abc")
    with pytest.raises(Refusal, match="BACKLOG"):
        await log.append("n1", 2, NOW(), 1, b"d")
    await log.recorded(1, 2)
    assert (await log.append("n1", 2, NOW(), 1, b"d")).first == 4
    await redis.aclose()
    await appends.aclose()


async def test_only_what_is_recorded_is_trimmed(show_log: ShowLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liveserver.rooms.log.KEEP_MAX", 100)
    for batch in range(1, 1_001):
        await show_log.append("n1", batch, NOW(), 1, b"x")
    await show_log.recorded(1, 600)
    kept = [e.first for e in await show_log.read(1, 0, 2_000)]
    assert kept == list(range(kept[0], 1_001))
    assert 1 < kept[0] <= 501


async def test_a_log_is_opened_only_in_place_of_the_one_that_was_seen(show_log: ShowLog) -> None:
    seen = await show_log.head()
    await show_log.append("n1", 1, NOW(), 1, b"a")
    assert not await show_log.open(2, 0, 0, "", seen)
    assert await show_log.open(2, 1, 0, "h", await show_log.head())
    assert (await show_log.head()).epoch == 2


async def test_the_hash_is_the_same_in_lua_and_python(show_log: ShowLog) -> None:
    entry = await show_log.append("n1", 1, NOW(), 1, bytes(range(256)))
    assert entry.hash == entry_hash("", 1, 1, 1, entry.ts, "n1", 1, bytes(range(256)))


async def test_a_restarted_server_takes_nothing_until_it_is_fenced_anew(own_engines: Engines) -> None:
    redis, appends = general(own_engines.redis_url), append_connection(own_engines.redis_url)
    log = ShowLog("show_1", Shards.around(redis, [appends]))
    await log.open(1, 0, 0, "", await log.head())
    one = await log.append("n1", 1, NOW(), 1, b"a")
    os.kill(own_engines.pids["Valkey"], signal.SIGKILL)
    with pytest.raises(Refusal, match="FENCED"):
        await _append_to_the_restarted(log)
    head = await log.head()
    assert (head.seq, head.hash) == (1, one.hash), "acknowledged is on disk"
    assert await log.fence(head)
    assert (await log.append("n1", 2, NOW(), 1, b"b")).prev == one.hash
    await redis.aclose()
    await appends.aclose()


async def _append_to_the_restarted(log: ShowLog) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await log.append("n1", 2, NOW(), 1, b"b")
            except (RedisConnectionError, BusyLoadingError, OSError):
                await asyncio.sleep(0.05)  # the engines' supervisor is bringing it back


async def test_a_server_that_became_a_replica_is_left_for_whoever_has_its_name_now(
    engines: Engines, redis_url: str
) -> None:
    assert engines.redis_admin_url is not None
    admin, redis, appends = (
        Redis.from_url(engines.redis_admin_url),
        general(redis_url),
        append_connection(redis_url),
    )
    log = ShowLog("show_1", Shards.around(redis, [appends]))
    assert await log.open(1, 0, 0, "", await log.head())
    before = await redis.client_id(), await appends.client_id()
    await admin.execute_command("REPLICAOF", "127.0.0.1", 1)
    try:
        with pytest.raises(ReadOnlyError):
            await log.append("n1", 1, NOW(), 1, b"a")
    finally:
        await admin.execute_command("REPLICAOF", "NO", "ONE")
    assert (await log.append("n1", 1, NOW(), 1, b"a")).first == 1
    after = await redis.client_id(), await appends.client_id()
    assert set(before).isdisjoint(after), (
        "connections to a demoted server would be answered READONLY for ever"
    )
    for client in (admin, redis, appends):
        await client.aclose()
