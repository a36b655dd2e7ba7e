"""Disks that fill up or become slow, under Valkey and under PostgreSQL."""

import asyncio
import contextlib
from typing import Any

import asyncpg

from chaos.crowd import Crowd, until
from chaos.shims.disk import FaultyDisk, missing
from chaos.table import Bring, Fault
from chaos.world import World
from liveserver.infra.engines import postgres
from liveserver.rooms import store

SLOW_MS = 200
GO_ON = 30
"""Bids that are acknowledged meanwhile, before we say that bids go on."""
STILL_MAX_S = 20
SEGMENTS_MAX = 200
"""Of 16 MB each: more than PostgreSQL keeps for reuse."""
GONE = "shutting down due to startup process failure"
GONE_MAX_S = 45
LOG_TAIL = 3_000
"""Characters of PostgreSQL's log that say what went wrong."""
LOT_MS = 4_000
"""A lot is final once it is recorded: while nothing is, the one that runs is the last for the time being."""


def disk() -> dict[str, str]:
    """The environment of an engine on a disk of its own."""
    return FaultyDisk.new().environment


async def valkey_disk_full(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Every append fails, and Valkey ends itself rather than go on with memory alone."""
    faulty = FaultyDisk.of(world.engines.valkey.environment)
    faulty.full()
    await until(lambda: crowd.refusals()["unavailable"] > 0)
    promised = len(crowd.acknowledged)
    await asyncio.sleep(lasts_s)
    assert len(crowd.acknowledged) == promised, "nothing is acknowledged that is on no disk"
    faulty.ok()


async def postgres_disk_full(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Tables cannot grow: nothing is recorded, and bids go on."""
    faulty = FaultyDisk.of(world.engines.postgres.environment)
    faulty.full()
    await _nothing_is_recorded(world, crowd)
    await _bids_go_on(crowd)
    await asyncio.sleep(lasts_s)
    faulty.ok()


async def postgres_log_full(world: World, crowd: Crowd, lasts_s: float) -> None:
    """The write-ahead log cannot grow: PostgreSQL ends itself, and cannot start before there is space."""
    faulty = FaultyDisk.of(world.engines.postgres.environment)
    await world.pool()  # while it can be made
    faulty.full()
    await _use_up_the_log(world)
    await _bids_go_on(crowd)
    await asyncio.sleep(lasts_s)
    faulty.ok()


async def _use_up_the_log(world: World) -> None:
    """Returns once PostgreSQL is gone. One that died and found room enough to start again is given more to write."""
    log = world.engines.postgres.log
    address = postgres.url(world.engines.folders, postgres.SUPERUSER)
    try:
        async with asyncio.timeout(GONE_MAX_S):
            while GONE not in log.read_text():
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await _write_segments(address)
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError("PostgreSQL lives on a full disk:\n" + log.read_text()[-LOG_TAIL:]) from error


async def _write_segments(address: str) -> None:
    """Raises what PostgreSQL says when it can write no further segment."""
    connection = await asyncpg.connect(address)
    try:
        for _ in range(SEGMENTS_MAX):
            await connection.execute("SELECT pg_logical_emit_message(false, 'chaos', ''), pg_switch_wal()")
    finally:
        connection.terminate()


async def _nothing_is_recorded(world: World, crowd: Crowd) -> None:
    """Returns once the record has stood still while bids were acknowledged."""
    pool = await world.pool()
    async with asyncio.timeout(STILL_MAX_S):
        before = -1
        while (mark := await store.watermark(pool, crowd.show)) is not None and mark.seq != before:
            before = mark.seq
            await _bids_go_on(crowd)


async def _bids_go_on(crowd: Crowd) -> None:
    await crowd.warm(GO_ON)


async def valkey_disk_slow(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Each fsync takes 200 ms more, and every append waits for one."""
    faulty = FaultyDisk.of(world.engines.valkey.environment)
    faulty.slow(SLOW_MS)
    await asyncio.sleep(lasts_s)
    faulty.ok()


async def postgres_disk_slow(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Each fsync takes 200 ms more: recording lags, bids do not."""
    faulty = FaultyDisk.of(world.engines.postgres.environment)
    faulty.slow(SLOW_MS)
    await asyncio.sleep(lasts_s)
    faulty.ok()


def _fault(name: str, people_see: str, bring: Bring, **more: Any) -> Fault:
    engine = name.partition("-")[0]
    return Fault(
        name, (14,), people_see, bring, world={f"{engine}_environment": disk}, missing=missing, **more
    )


FAULTS = (
    _fault(
        "valkey-disk-full",
        "Commands are answered `unavailable` until two seconds after there is space.",
        valkey_disk_full,
        lasts_s=(1, 30),
        refused=frozenset({"unavailable"}),
    ),
    _fault(
        "postgres-disk-full",
        "Bids go on; lots that close are not final before there is space.",
        postgres_disk_full,
        lasts_s=(1, 30),
        crowd={"lot_ms": LOT_MS},
    ),
    _fault(
        "postgres-log-full",
        "As above; pages and API fail meanwhile, and until two seconds after there is space.",
        postgres_log_full,
        lasts_s=(1, 30),
        crowd={"lot_ms": LOT_MS},
    ),
    _fault("valkey-disk-slow", "A bid's answer takes as much longer as the disk.", valkey_disk_slow),
    _fault("postgres-disk-slow", "A lot is final a second later.", postgres_disk_slow),
)
